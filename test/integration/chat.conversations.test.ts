import type { Conversation, Message } from "../../services/chat/chat.contract";
import { ChatLab, type Page, type Person, seqs, upTo } from "./chat.parts";
import { eventually } from "./node";

let lab: ChatLab;
let customer: Person;
let agent: Person;
beforeAll(async () => {
  lab = await ChatLab.start();
});
afterAll(() => lab.stop());
beforeEach(async () => {
  customer = await lab.person("customer", "Kim");
  agent = await lab.person("agent", "Lee");
});

const list = (person: Person, params: object = {}) => lab.ask<Page<Conversation>>(person, "list", params);
const idsOf = ({ items }: Page<Conversation>) => items.map(({ id }) => id);

/** Conversations of one customer, one after the other, each closed but the last; newest first. */
async function several(count: number, text: (i: number) => string = String): Promise<string[]> {
  const ids: string[] = [];
  for (const i of upTo(count)) {
    const { id } = await lab.open(customer, { text: text(i) });
    ids.unshift(id);
    if (i < count) await lab.ask(customer, "close", { id });
  }
  return ids;
}

describe("a list", () => {
  test("has a customer's own, newest first, in pages that miss and repeat none", async () => {
    await lab.open(await lab.person("customer"));
    const ids = await several(7);
    const first = await list(customer, { limit: 3 });
    await lab.ask(customer, "close", { id: ids[0] });
    await lab.open(customer);
    const second = await list(customer, { limit: 3, cursor: first.nextCursor });
    const third = await list(customer, { limit: 3, cursor: second.nextCursor });
    expect([...idsOf(first), ...idsOf(second), ...idsOf(third)]).toEqual(ids);
    expect(third.nextCursor).toBeNull();
    expect(idsOf(await list(customer, { status: "closed" }))).toEqual(ids);
    await expect(list(customer, { cursor: "x" })).rejects.toMatchObject({ code: 422 });
  });

  test("shows agents all, those of theirs, and those that wait, with their places", async () => {
    const waiting = await lab.open(customer);
    const taken = await lab.helped(await lab.person("customer"), agent);
    const all = await list(agent, { limit: 100 });
    expect(idsOf(all)).toEqual(expect.arrayContaining([waiting.id, taken.id]));
    expect(idsOf(await list(agent, { assignee: "me" }))).toEqual([taken.id]);
    const unassigned = await list(agent, { assignee: "none", status: "queued", limit: 100 });
    expect(idsOf(unassigned)).toContain(waiting.id);
    expect(idsOf(unassigned)).not.toContain(taken.id);
    const places = unassigned.items.map(({ queuePosition }) => queuePosition);
    expect([...places].sort((a = 0, b = 0) => a - b)).toEqual(upTo(places.length));
    expect(unassigned.items.find(({ id }) => id === waiting.id)?.queuePosition).toBe(
      (await lab.find(customer, waiting.id)).queuePosition,
    );
  });

  test("can be searched for what was said in one's own conversations", async () => {
    const ids = await several(5, (i) => (i % 2 ? `Where is my Parcel, please? ${i}` : "배송지를 변경하고 싶어요"));
    const [newest = "", second = "", third = "", fourth = "", oldest = ""] = ids;
    expect(idsOf(await list(customer, { q: "parcel WHERE" }))).toEqual([newest, third, oldest]);
    expect(idsOf(await list(customer, { q: "배송지" }))).toEqual([second, fourth]);
    expect(idsOf(await list(customer, { q: "parcel", status: "closed" }))).toEqual([third, oldest]);
    expect(idsOf(await list(customer, { q: "?!" }))).toEqual([]);
    const page = await list(customer, { q: "parcel", limit: 2 });
    expect(idsOf(page)).toEqual([newest, third]);
    expect(idsOf(await list(customer, { q: "parcel", limit: 2, cursor: page.nextCursor }))).toEqual([oldest]);
    expect(idsOf(await list(agent, { q: "parcel" }))).toEqual([]);
    await lab.ask(agent, "claim", { id: newest });
    expect(idsOf(await list(agent, { q: "parcel" }))).toEqual([newest]);
    const { items } = await lab.history(customer, newest);
    await lab.ask(customer, "unsend", { id: newest, messageId: items[0]?.id });
    expect(idsOf(await list(customer, { q: "parcel" }))).toEqual([third, oldest]);
  });
});

test("labels are for agents", async () => {
  const { id } = await lab.open(customer);
  expect(await lab.ask(agent, "label", { id, labels: ["refund", "배송"] })).toMatchObject({
    labels: ["refund", "배송"],
  });
  expect(await lab.find(agent, id)).toMatchObject({ labels: ["refund", "배송"] });
  expect(await lab.find(customer, id)).toMatchObject({ labels: [] });
  const own = await lab.open(agent);
  await expect(lab.ask(agent, "label", { id: own.id, labels: ["mine"] })).rejects.toMatchObject({ code: 403 });
  await expect(lab.ask(agent, "label", { id, labels: ["a", "a"] })).rejects.toMatchObject({ code: 422 });
  await expect(lab.ask(agent, "label", { id: "none", labels: [] })).rejects.toMatchObject({ code: 404 });
});

test("a customer rates a conversation when it is over", async () => {
  const { id } = await lab.open(customer);
  await expect(lab.ask(customer, "rate", { id, score: 5 })).rejects.toMatchObject({ type: "CONVERSATION_OPEN" });
  await lab.ask(customer, "close", { id });
  await lab.ask(customer, "rate", { id, score: 2, comment: "slow" });
  expect(await lab.ask(customer, "rate", { id, score: 4 })).toMatchObject({ rating: { score: 4 } });
  expect((await lab.find(agent, id)).rating).toEqual({ score: 4 });
  await expect(lab.ask(customer, "rate", { id, score: 6 })).rejects.toMatchObject({ code: 422 });
});

test("who types is told to the other side, and to nobody where there is none", async () => {
  const { id } = await lab.open(customer);
  await lab.ask(customer, "typing", { id, typing: true });
  await lab.ask(agent, "claim", { id });
  await lab.ask(customer, "typing", { id, typing: true });
  await lab.ask(agent, "typing", { id, typing: false });
  await lab.ask(await lab.person("agent"), "typing", { id, typing: true });
  const typing = await eventually(() => {
    const told = lab.told.filter(({ event, payload }) => event === "chat.typing" && "conversationId" in payload);
    const own = told.filter(({ payload }) => (payload as { conversationId: string }).conversationId === id);
    return own.length >= 2 && own;
  });
  expect(typing).toEqual([
    {
      to: { users: [agent.id] },
      event: "chat.typing",
      payload: { conversationId: id, user: { id: customer.id, name: "Kim" }, typing: true },
      volatile: true,
    },
    {
      to: { users: [customer.id] },
      event: "chat.typing",
      payload: { conversationId: id, user: { id: agent.id, name: "Lee" }, typing: false },
      volatile: true,
    },
  ]);
});

test("both sides are shown a conversation as each of them sees it", async () => {
  const { id } = await lab.open(customer, { text: "1" });
  await lab.ask(agent, "claim", { id });
  await lab.send(agent, id, "note", { kind: "note" });
  await lab.ask(agent, "label", { id, labels: ["a"] });
  const last = (person: Person) => lab.toldTo(person, "chat.conversation").at(-1);
  await eventually(() => lab.toldTo(customer, "chat.conversation").length >= 2);
  expect(last(customer)).toMatchObject({ conversation: { id, lastSeq: 1, unread: 0, labels: [], status: "assigned" } });
  // Labels are none of the customer's business, so neither is that they changed.
  expect(lab.toldTo(customer, "chat.conversation")).toHaveLength(2);
  expect(last(agent)).toMatchObject({ conversation: { id, lastSeq: 2, unread: 1, labels: ["a"] } });
});

test("canned replies are kept by agents, each by its shortcut", async () => {
  const reply = { shortcut: "/hi", title: "Hello", text: "Hello, how can I help?" };
  const added = await lab.ask<{ id: string }>(agent, "addReply", reply);
  await expect(lab.ask(agent, "addReply", reply)).rejects.toMatchObject({ code: 409, type: "SHORTCUT_TAKEN" });
  const other = await lab.ask<{ id: string }>(agent, "addReply", { ...reply, shortcut: "/bye" });
  expect(await lab.ask(agent, "changeReply", { id: added.id, title: "Hi" })).toEqual({
    ...reply,
    ...added,
    title: "Hi",
  });
  await expect(lab.ask(agent, "changeReply", { id: other.id, shortcut: "/hi" })).rejects.toMatchObject({ code: 409 });
  expect(await lab.ask(agent, "replies")).toMatchObject({
    items: [{ shortcut: "/bye" }, { shortcut: "/hi", title: "Hi" }],
  });
  await lab.ask(agent, "removeReply", { id: other.id });
  for (const [action, more] of [["removeReply", {}] as const, ["changeReply", { title: "x" }] as const])
    await expect(lab.ask(agent, action, { id: other.id, ...more })).rejects.toMatchObject({ code: 404 });
});

test("whoever has a conversation before them is told what an erasure takes from it, once", async () => {
  const { id } = await lab.helped(customer, agent);
  for (const i of upTo(120)) await lab.send(customer, id, `secret ${i}`);
  await lab.send(agent, id, "I see");
  const waiting = await lab.open(await lab.person("customer", "Choi"), { text: "my secret" });
  type Told = { message: Message } & { conversation: Conversation };
  const told = () => lab.told.map(({ event, payload, to }) => ({ event, to, ...(payload as Told) }));
  const changed = (of: string) =>
    told().filter(({ event, message }) => event === "chat.changed" && message.conversationId === of);
  const shown = (of: string) =>
    told().filter(({ event, conversation }) => event === "chat.conversation" && conversation.id === of);

  await lab.node.call("chat.erase", { userId: customer.id });
  const toAgent = await eventually(() => {
    const own = changed(id).filter(({ to }) => "users" in to && to.users.includes(agent.id));
    return own.length >= 100 && own;
  });
  expect(toAgent.map(({ message }) => message.seq)).toEqual(upTo(120).slice(20).toReversed());
  for (const { message } of toAgent) expect(message).toMatchObject({ text: "", sender: { name: "" } });
  await eventually(() => shown(id).at(-1)?.conversation.customer.name === "");

  await lab.node.call("chat.erase", { userId: agent.id });
  await eventually(() =>
    changed(id).some(({ to, message }) => "users" in to && to.users[0] === customer.id && message.seq === 121),
  );
  expect(changed(id).at(-1)?.message).toMatchObject({ text: "I see", sender: { name: "" } });
  await eventually(() => shown(id).at(-1)?.conversation.agent?.name === "");

  // All agents were shown what waited.
  await lab.node.call("chat.erase", { userId: waiting.customer.id });
  await eventually(() => changed(waiting.id).some(({ to, message }) => "role" in to && message.text === ""));
  await eventually(() =>
    shown(waiting.id).some(({ to, conversation }) => "role" in to && conversation.customer.name === ""),
  );
  const count = lab.told.length;
  for (const userId of [customer.id, agent.id, waiting.customer.id]) await lab.node.call("chat.erase", { userId });
  expect(lab.told.length).toBe(count);
});

test("of an erased customer neither name nor words are left; an agent's words stay without a name", async () => {
  const { id } = await lab.open(customer, { subject: "about me", text: "my secret" });
  await lab.ask(agent, "claim", { id });
  await lab.send(agent, id, "I see");
  const others = await lab.open(await lab.person("customer"));
  await lab.send(agent, others.id, "look at this", { kind: "note" });
  const client = { [id]: 2 };
  for (let times = 0; times < 2; times++) await lab.node.call("chat.erase", { userId: customer.id });
  const left = await lab.find(agent, id);
  expect(left).toMatchObject({ status: "closed", customer: { id: customer.id, name: "" } });
  expect(left).not.toHaveProperty("subject");
  const { items } = await lab.history(agent, id);
  expect(items.map(({ text, sender }) => [text, sender.name])).toEqual([
    ["", ""],
    ["I see", "Lee"],
  ]);
  const synced = await lab.ask<{ messages: Message[] }>(agent, "sync", { cursors: client });
  expect(seqs(synced.messages)).toEqual([1]);
  await lab.node.call("chat.erase", { userId: agent.id });
  const again = await lab.history(customer, id);
  expect(again.items.map(({ text, sender }) => [text, sender.name])).toEqual([
    ["", ""],
    ["I see", ""],
  ]);
  expect((await lab.history(agent, others.id)).items).toMatchObject([{ text: "look at this", sender: { name: "" } }]);
  expect(await list(agent, { q: "secret" })).toMatchObject({ items: [] });
});

test("an agent who passes it on is told of it with what they have not read, as when they look", async () => {
  const { id } = await lab.helped(customer, agent);
  for (const text of ["1", "2", "3"]) await lab.send(customer, id, text);
  await lab.ask(agent, "read", { id, seq: 2 });
  await lab.send(agent, id, "mine");
  lab.told.length = 0;
  await lab.ask(agent, "transfer", { id, queue: true });
  const mine = () => lab.told.find(({ to }) => "only" in to && to.only?.includes(agent.id));
  await eventually(mine);
  expect(mine()?.payload).toMatchObject({ conversation: { id, unread: (await lab.find(agent, id)).unread } });
  const others = lab.told.find(({ event, to }) => event === "chat.conversation" && "except" in to);
  expect(others).toMatchObject({ to: { except: expect.arrayContaining([customer.id, agent.id]) } });
  await expect(lab.ask(agent, "claim", { id })).resolves.toBeTruthy();
  const toCustomer = lab.ask(agent, "transfer", { id, agentId: customer.id });
  await expect(toCustomer).rejects.toMatchObject({ type: "AGENT_NOT_FOUND" });
});
