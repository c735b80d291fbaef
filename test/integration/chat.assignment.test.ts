import type { Delivery } from "../../services/api/api.contract";
import type { Conversation } from "../../services/chat/chat.contract";
import { DeskLab, type Person } from "./desk.parts";
import { eventually } from "./node";

let desk: DeskLab;
let admin: Person;
async function start(more: Record<string, string> = {}): Promise<void> {
  desk = await DeskLab.start(more);
  admin = await desk.person("admin");
}
afterEach(() => desk.stop());

const find = (id: string) => desk.act(admin, "find", id);
const whenAssigned = (id: string, to?: string) =>
  eventually(async () => {
    const conversation = await find(id);
    return conversation.agent && (to === undefined || conversation.agent.id === to) && conversation;
  });

describe("a new conversation", () => {
  test("goes at once to the connected agent with the lowest load for their capacity", async () => {
    await start();
    const small = await desk.agent({ capacity: 2 });
    const big = await desk.agent({ capacity: 4 });
    await desk.agent({ status: "away" });
    await desk.agent({ connected: false });
    const given = [];
    for (let i = 0; i < 6; i++) given.push((await desk.open()).agent?.id);
    expect(given.filter((id) => id === small.id)).toHaveLength(2);
    expect(given.filter((id) => id === big.id)).toHaveLength(4);
    expect(await desk.open()).toMatchObject({ status: "queued", agent: null, queuePosition: 1 });
  });

  test("waits for its turn where nobody has a place, and moves up at once when somebody has", async () => {
    await start();
    const agent = await desk.agent({ capacity: 1 });
    const first = await desk.open();
    const waiting = [await desk.open(), await desk.open(), await desk.open()];
    expect(waiting.map(({ queuePosition }) => queuePosition)).toEqual([1, 2, 3]);

    await desk.act(agent, "close", first.id);
    expect(await whenAssigned(waiting[0]?.id ?? "")).toMatchObject({ status: "assigned", agent: { id: agent.id } });
    expect(await find(waiting[1]?.id ?? "")).toMatchObject({ status: "queued", queuePosition: 1 });

    const other = await desk.agent({ status: "offline", capacity: 2 });
    await desk.status(other, { status: "online" });
    for (const { id } of waiting.slice(1)) await whenAssigned(id, other.id);
  });

  test("tells the queue's length to agents and its position to whoever's changed", async () => {
    await start();
    const agent = await desk.agent({ capacity: 1 });
    const first = await desk.open();
    const customers = [await desk.person("customer"), await desk.person("customer")];
    const waiting = [];
    for (const customer of customers) waiting.push(await desk.open(customer));
    await desk.act(agent, "close", first.id);
    await whenAssigned(waiting[0]?.id ?? "");
    await eventually(() =>
      desk.delivered.some(
        ({ event, to, payload }) =>
          event === "chat.queue" &&
          "users" in to &&
          to.users[0] === customers[1]?.id &&
          "position" in payload &&
          payload.position === 1,
      ),
    );
    const lengths = desk.delivered.filter(({ event, to }) => event === "chat.queue" && "role" in to);
    expect(lengths.at(-1)?.payload).toEqual({ length: 1 });
  });
});

describe("an agent", () => {
  test("who claims first has it, and the others hear who has", async () => {
    await start();
    const { id } = await desk.open();
    const agents = [];
    for (let i = 0; i < 6; i++) agents.push(await desk.agent({ status: "away" }));
    const results = await Promise.allSettled(agents.map((agent) => desk.act(agent, "claim", id)));
    const holder = (await find(id)).agent;
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results)
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({
          code: 409,
          type: "ALREADY_ASSIGNED",
          data: { extra: { agent: holder } },
        });
    const loads = [...(await desk.agents(admin)).values()].map(({ load }) => load);
    expect(loads.sort()).toEqual([0, 0, 0, 0, 0, 1]);
    const winner = agents.find((agent) => agent.id === holder?.id);
    if (!winner) throw new Error("nobody has it");
    expect(await desk.act(winner, "claim", id)).toMatchObject({ agent: holder });
  });

  test("who is full can neither claim nor be given more; a lower capacity takes nothing away", async () => {
    await start();
    const [full, other] = [await desk.agent({ capacity: 2 }), await desk.agent({ status: "away", capacity: 5 })];
    const [one, two] = [await desk.open(), await desk.open()];
    expect(await desk.status(full, { capacity: 1 })).toMatchObject({ capacity: 1, load: 2 });
    const three = await desk.open();
    expect(three.status).toBe("queued");
    await expect(desk.act(full, "claim", three.id)).rejects.toMatchObject({ code: 409, type: "AGENT_FULL" });
    await desk.act(other, "claim", three.id);
    await expect(desk.act(other, "transfer", three.id, { agentId: full.id })).rejects.toMatchObject({
      type: "AGENT_FULL",
    });
    await desk.act(full, "close", one.id);
    expect((await desk.agents(admin)).get(full.id)).toMatchObject({ load: 1 });
    expect(await find(two.id)).toMatchObject({ agent: { id: full.id } });
  });

  test("passes a conversation on, to another agent or to the head of the queue, where somebody else's turn it is", async () => {
    await start();
    const a = await desk.agent({ capacity: 3 });
    const { id } = await desk.open();
    const b = await desk.agent({ status: "away" });
    await expect(desk.act(b, "transfer", id, { agentId: b.id })).rejects.toMatchObject({ type: "NOT_ASSIGNED" });
    await expect(desk.act(a, "transfer", id, { agentId: "nobody" })).rejects.toMatchObject({
      code: 404,
      type: "AGENT_NOT_FOUND",
    });
    await expect(desk.act(a, "transfer", id)).rejects.toMatchObject({ type: "VALIDATION" });
    expect(await desk.act(a, "transfer", id, { agentId: b.id })).toMatchObject({ agent: { id: b.id, name: b.name } });
    expect((await desk.agents(admin)).get(a.id)).toMatchObject({ load: 0 });

    await desk.status(a, { status: "away" });
    const later = await desk.open();
    const back = await desk.act(b, "transfer", id, { queue: true });
    expect(back).toMatchObject({ status: "queued", agent: null, queuePosition: 1 });
    await desk.status(b, { status: "online" });
    await whenAssigned(later.id, b.id);
    expect(await find(id)).toMatchObject({ status: "queued", queuePosition: 1 });
    await desk.status(a, { status: "online" });
    await whenAssigned(id, a.id);
  });

  test("who put one back is given it again after a while, where nobody else is there", async () => {
    await start({ CHAT_AGENT_GRACE_MS: "1500" });
    const agent = await desk.agent();
    const { id } = await desk.open();
    await desk.say(agent, id);
    const passedAt = Date.now();
    await desk.act(agent, "transfer", id, { queue: true });
    expect((await desk.open()).agent).toMatchObject({ id: agent.id });
    expect(await find(id)).toMatchObject({ status: "queued", queuePosition: 1 });
    await whenAssigned(id, agent.id);
    expect(Date.now() - passedAt).toBeGreaterThanOrEqual(1500);
  });

  test("closes what is theirs, customers what they opened, admins anything; once", async () => {
    await start();
    const agent = await desk.agent();
    const [other, customer] = [await desk.agent({ status: "away" }), await desk.person("customer")];
    const { id } = await desk.open(customer);
    await expect(desk.act(other, "close", id)).rejects.toMatchObject({ code: 409, type: "NOT_ASSIGNED" });
    await expect(desk.act(await desk.person("customer"), "close", id)).rejects.toMatchObject({ code: 404 });
    const closed = await desk.act(customer, "close", id);
    expect(closed).toMatchObject({ status: "closed", closedAt: expect.any(String), agent: { id: agent.id } });
    expect(await desk.act(admin, "close", id)).toMatchObject({ closedAt: closed.closedAt });
    await expect(desk.act(agent, "claim", id)).rejects.toMatchObject({ type: "CONVERSATION_CLOSED" });
    expect((await desk.agents(admin)).get(agent.id)).toMatchObject({ load: 0 });
    expect((await desk.open(customer)).id).not.toBe(id);
  });

  test("who helps no more, or is erased, leaves what they had to others", async () => {
    await start();
    const [former, erased] = [await desk.agent(), await desk.agent()];
    const [one, two] = [await desk.open(), await desk.open()];
    const other = await desk.agent();
    await desk.node.call("chat.connect", { connectionId: "new", userId: former.id, agent: false });
    await desk.node.call("chat.erase", { userId: erased.id });
    for (const { id } of [one, two]) await whenAssigned(id, other.id);
    const agents = await desk.agents(admin);
    expect([...agents.keys()]).toEqual([other.id]);
    for (const agentId of [former.id, erased.id])
      await expect(desk.act(other, "transfer", one.id, { agentId })).rejects.toMatchObject({
        code: 404,
        type: "AGENT_NOT_FOUND",
      });
    expect(await desk.status(former, { status: "away" })).toMatchObject({ load: 0, name: former.name });
    expect(await desk.act(other, "transfer", one.id, { agentId: former.id })).toMatchObject({
      agent: { id: former.id },
    });
  });

  test("is the customer where they ask for help themselves, and told as nothing else", async () => {
    await start();
    const both = await desk.agent();
    both.meta = { user: { id: both.id, roles: ["customer", "agent"], sid: "s" } };
    const { id } = await desk.open(both);
    await desk.say(both, id, "1");
    const holder = await desk.agent();
    await whenAssigned(id, holder.id);
    await desk.say(both, id, "2");
    await expect(desk.act(holder, "transfer", id, { agentId: both.id })).rejects.toMatchObject({ code: 404 });
    await desk.act(holder, "transfer", id, { queue: true });
    await expect(desk.act(both, "claim", id)).rejects.toMatchObject({ code: 403 });
    await desk.say(both, id, "3");
    const reaches = ({ to }: Delivery, person: Person) =>
      "users" in to ? to.users.includes(person.id) : (to.only?.includes(person.id) ?? !to.except?.includes(person.id));
    const told = (person: Person, event: Delivery["event"]) =>
      desk.delivered.filter((delivery) => delivery.event === event && reaches(delivery, person));
    await eventually(() => told(both, "chat.message").length === 3);
    expect(told(both, "chat.message").every(({ to }) => "users" in to)).toBe(true);
    await eventually(() => told(holder, "chat.conversation").some(({ to }) => "users" in to));
    expect(told(both, "chat.conversation").every(({ to }) => "users" in to)).toBe(true);
    const shown = told(holder, "chat.conversation").map(({ payload }) => payload as { conversation: Conversation });
    const whileTheirs = shown.filter(({ conversation }) => conversation.agent?.id === holder.id);
    expect(whileTheirs).toHaveLength(1);
  });

  test("who is gone loses what was not answered, to the head of the queue, and keeps what was", async () => {
    await start({ CHAT_AGENT_GRACE_MS: "300" });
    const agent = await desk.agent({ capacity: 2 });
    const [answered, unanswered] = [await desk.open(), await desk.open()];
    const waiting = await desk.open();
    await desk.say(agent, answered.id);
    await desk.disconnect(agent);
    await eventually(async () => (await find(unanswered.id)).status === "queued");
    expect(await find(unanswered.id)).toMatchObject({ queuePosition: 1, agent: null });
    expect(await find(waiting.id)).toMatchObject({ queuePosition: 2 });
    expect(await find(answered.id)).toMatchObject({ agent: { id: agent.id } });
    await eventually(async () => (await desk.agents(admin)).get(agent.id)?.load === 1);

    const other = await desk.agent({ capacity: 1 });
    await whenAssigned(unanswered.id, other.id);
    await desk.connect(agent);
    await whenAssigned(waiting.id, agent.id);
  });
});
