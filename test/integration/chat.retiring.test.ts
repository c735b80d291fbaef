import authService from "../../services/auth/auth.service";
import type { Conversation } from "../../services/chat/chat.contract";
import { ChatLab, type Person } from "./chat.parts";
import type { AgentState } from "./desk.parts";
import { eventually } from "./node";

let lab: ChatLab;
let admin: Person;
beforeEach(async () => {
  lab = await ChatLab.start({ LEASE_MS: "500" }, [authService]);
  admin = await lab.person("admin");
});
afterEach(() => lab.stop());

const change = (person: Person, to: object) => lab.node.as(admin.meta, "user.change", { id: person.id, ...to });
const status = (agent: Person, to: string) => lab.ask<AgentState>(agent, "setAgentStatus", { status: to, capacity: 5 });
const helping = async () => (await lab.ask<{ items: AgentState[] }>(admin, "agents")).items.map(({ id }) => id);
const connect = ({ id }: Person) => lab.node.call("chat.connect", { connectionId: `c-${id}`, userId: id, agent: true });

async function agent(name: string): Promise<Person> {
  const person = await lab.person("agent", name);
  await connect(person);
  await status(person, "online");
  return person;
}

/** One that its agent has answered: they would keep it as long as they are away. */
async function answered(by: Person): Promise<Conversation> {
  const conversation = await lab.open(await lab.person("customer"));
  expect(conversation.agent).toMatchObject({ id: by.id });
  await lab.send(by, conversation.id, "Hello");
  return conversation;
}

test.each([
  ["is locked", { status: "locked" }, { status: "active" }],
  ["loses the role", { roles: ["customer"] }, { roles: ["agent"] }],
])("an agent who %s leaves what they answered to others, at its old place before all", async (_, taken, given) => {
  const former = await agent("Lee");
  const { id } = await answered(former);
  await change(former, taken);
  expect(await lab.find(admin, id)).toMatchObject({ status: "queued", agent: null, queuePosition: 1 });
  expect(await helping()).toEqual([]);

  // Their token may be older than that.
  await expect(status(former, "online")).rejects.toMatchObject({ code: 403 });
  await expect(lab.ask(former, "claim", { id })).rejects.toMatchObject({ code: 403 });
  await connect(former);
  expect(await helping()).toEqual([]);

  const other = await agent("Park");
  await eventually(async () => (await lab.find(admin, id)).agent?.id === other.id);
  await change(former, given);
  await connect(former);
  expect((await helping()).sort()).toEqual([former.id, other.id].sort());
  expect(await status(former, "online")).toMatchObject({ load: 0 });
});

test("an agent who gets one more role, or a customer who is locked, changes nothing", async () => {
  const helper = await agent("Lee");
  const { id, customer } = await answered(helper);
  await change(helper, { roles: ["agent", "admin"] });
  await lab.node.as(admin.meta, "user.change", { id: customer.id, status: "locked" });
  expect(await lab.find(admin, id)).toMatchObject({ status: "assigned", agent: { id: helper.id } });
  expect(await helping()).toEqual([helper.id]);
});
