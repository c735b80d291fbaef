import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatLab, type Person } from "./chat.parts";

let dataDir: string;
let lab: ChatLab;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "shop-names-"));
  lab = await ChatLab.start({ DATA_DIR: dataDir });
});
afterEach(async () => {
  await lab.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A node keeps names for a minute: another one asks. */
async function renamed(...people: [Person, string][]): Promise<void> {
  for (const [{ meta }, name] of people) await lab.node.as(meta, "user.changeMe", { name });
  await lab.stop();
  lab = await ChatLab.start({ DATA_DIR: dataDir });
}

const connect = ({ id }: Person, agent: boolean) =>
  lab.node.call("chat.connect", { connectionId: `c-${id}`, userId: id, agent });
const shownTo = (person: Person) => lab.toldTo(person, "chat.conversation").at(-1);

test("who goes by another name is shown by it when they come back, in what is open", async () => {
  const [customer, agent] = [await lab.person("customer", "Kim"), await lab.person("agent", "Lee")];
  const { id } = await lab.helped(customer, agent);
  const over = await lab.helped(await lab.person("customer", "Choi"), agent);
  await lab.ask(agent, "close", { id: over.id });
  await lab.send(customer, id, "Hello");
  await renamed([customer, "Gim"], [agent, "Yi"]);

  expect(await lab.open(customer)).toMatchObject({ id, customer: { name: "Gim" }, agent: { name: "Lee" } });
  expect(shownTo(agent)).toMatchObject({ conversation: { id, customer: { name: "Gim" } } });
  await connect(agent, true);
  expect(shownTo(customer)).toMatchObject({ conversation: { id, agent: { id: agent.id, name: "Yi" } } });
  expect(await lab.send(agent, id, "Yes?")).toMatchObject({ sender: { name: "Yi" } });
  expect(await lab.ask(agent, "agents")).toMatchObject({ items: [{ id: agent.id, name: "Yi" }] });

  // What is over, and what was said, is as it was.
  expect(await lab.find(agent, over.id)).toMatchObject({ agent: { name: "Lee" } });
  const { items } = await lab.history(customer, id);
  expect(items.map(({ sender }) => sender.name)).toEqual(["Kim", "Yi"]);
});

test("who comes while user is away keeps the name they had, and is there", async () => {
  const [customer, agent] = [await lab.person("customer", "Kim"), await lab.person("agent", "Lee")];
  const { id } = await lab.helped(customer, agent);
  await renamed([customer, "Gim"], [agent, "Yi"]);
  const user = lab.node.broker.getLocalService("user");
  await lab.node.broker.destroyService(user);
  await connect(agent, true);
  expect(await lab.ask(agent, "agents")).toMatchObject({ items: [{ id: agent.id, name: "Lee", online: true }] });
  expect(await lab.open(customer)).toMatchObject({ id, customer: { name: "Kim" } });
});

test("an agent who is also the customer of another conversation is renamed in both", async () => {
  const [both, customer] = [await lab.person("agent", "Lee"), await lab.person("customer")];
  const { id } = await lab.helped(customer, both);
  const own = await lab.open(both);
  await renamed([both, "Yi"]);
  await connect(both, true);
  expect(await lab.find(both, id)).toMatchObject({ agent: { name: "Yi" }, customer: { name: customer.name } });
  expect(await lab.open(both)).toMatchObject({ id: own.id, customer: { name: "Yi" } });
});
