import type { Conversation, Message } from "../../services/chat/chat.contract";
import { ChatLab, type Person, seqs, upTo } from "./chat.parts";
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

describe("opening", () => {
  test("makes one conversation, and answers it again while it is open", async () => {
    const first = await lab.answered<Conversation>(customer, "open", { subject: "Help", text: "Hello" });
    expect(first.status).toBeUndefined();
    expect(first.result).toMatchObject({
      customer: { id: customer.id, name: "Kim" },
      agent: null,
      subject: "Help",
      status: "queued",
      lastSeq: 1,
      unread: 0,
      labels: [],
      queuePosition: expect.any(Number),
    });
    const again = await lab.answered<Conversation>(customer, "open", { subject: "Help", text: "Hello" });
    expect(again).toMatchObject({ status: 200, result: { id: first.result.id, lastSeq: 1 } });
    const more = await lab.open(customer, { text: "Anybody?" });
    expect(more).toMatchObject({ id: first.result.id, lastSeq: 2 });
    await lab.ask(customer, "close", { id: more.id });
    expect((await lab.open(customer)).id).not.toBe(more.id);
  });

  test("at once from several tabs is one conversation with one first message", async () => {
    const opened = await Promise.all(upTo(8).map(() => lab.open(customer, { text: "Hello", clientMsgId: "hello" })));
    const ids = new Set(opened.map(({ id }) => id));
    expect(ids.size).toBe(1);
    const { items } = await lab.history(customer, [...ids][0] ?? "");
    expect(items.map(({ text }) => text)).toEqual(["Hello"]);
  });
});

describe("a message", () => {
  test("that is sent again gets the first answer", async () => {
    const { id } = await lab.open(customer);
    const params = { id, clientMsgId: "m-1", text: "one" };
    const first = await lab.answered<Message>(customer, "send", params);
    expect(first).toMatchObject({ status: undefined, result: { seq: 1, text: "one", sender: { role: "customer" } } });
    const again = await lab.answered<Message>(customer, "send", { ...params, text: "another" });
    expect(again).toEqual({ status: 200, result: first.result });
    const racing = await Promise.all(
      upTo(10).map(() => lab.answered<Message>(customer, "send", { id, clientMsgId: "m-2", text: "two" })),
    );
    expect(new Set(racing.map(({ result }) => result.id)).size).toBe(1);
    expect(racing.filter(({ status }) => status === 200)).toHaveLength(9);
    expect(await lab.find(customer, id)).toMatchObject({ lastSeq: 2 });
  });

  test("of an agent is for conversations of theirs; a note is for any", async () => {
    const { id } = await lab.open(customer);
    await expect(lab.send(agent, id, "hi")).rejects.toMatchObject({ code: 409, type: "NOT_ASSIGNED" });
    await expect(lab.send(agent, id, "look", { kind: "note" })).resolves.toMatchObject({ seq: 1, kind: "note" });
    await lab.ask(agent, "claim", { id });
    await expect(lab.send(agent, id, "hi")).resolves.toMatchObject({ seq: 2, sender: { name: "Lee", role: "agent" } });
    const other = await lab.person("agent");
    await expect(lab.send(other, id, "hi")).rejects.toMatchObject({ type: "NOT_ASSIGNED" });
  });

  test("cannot be written where it is closed; one that was written is answered all the same", async () => {
    const { id } = await lab.open(customer);
    const sent = await lab.send(customer, id, "one", { clientMsgId: "m-1" });
    await lab.ask(customer, "close", { id });
    await expect(lab.send(customer, id, "two")).rejects.toMatchObject({ code: 409, type: "CONVERSATION_CLOSED" });
    expect(await lab.send(customer, id, "one", { clientMsgId: "m-1" })).toEqual(sent);
    for (const action of ["edit", "unsend"])
      await expect(
        lab.ask(customer, action, { id, messageId: sent.id, ...(action === "edit" && { text: "x" }) }),
      ).rejects.toMatchObject({ type: "CONVERSATION_CLOSED" });
  });

  test("has 1 to 4,000 characters", async () => {
    const { id } = await lab.open(customer);
    for (const text of ["", "x".repeat(4001)])
      await expect(lab.send(customer, id, text)).rejects.toMatchObject({ code: 422 });
    const text = "가\n".repeat(2000);
    await expect(lab.send(customer, id, text)).resolves.toMatchObject({ text });
  });

  test("can be edited and deleted by who wrote it; it keeps its seq", async () => {
    const { id } = await lab.helped(customer, agent);
    const mine = await lab.send(customer, id, "one");
    const theirs = await lab.send(agent, id, "two");
    const edited = await lab.ask<Message>(customer, "edit", { id, messageId: mine.id, text: "1" });
    expect(edited).toEqual({ ...mine, text: "1", editedAt: expect.any(String) });
    await expect(lab.ask(customer, "edit", { id, messageId: theirs.id, text: "1" })).rejects.toMatchObject({
      code: 403,
      type: "NOT_YOURS",
    });
    await lab.ask(customer, "unsend", { id, messageId: mine.id });
    await lab.ask(customer, "unsend", { id, messageId: mine.id });
    const { items } = await lab.history(agent, id);
    expect(items[0]).toMatchObject({ seq: 1, text: "", deletedAt: expect.any(String) });
    await expect(lab.ask(customer, "edit", { id, messageId: mine.id, text: "1" })).rejects.toMatchObject({
      code: 409,
      type: "MESSAGE_DELETED",
    });
    expect(lab.toldTo(agent, "chat.changed")).toHaveLength(2);
  });

  test("that opened a conversation leaves nothing to guess its text from when that is deleted", async () => {
    const customer = await lab.person("customer");
    const { id } = await lab.open(customer, { text: "my pin is 4821" });
    const [opened] = (await lab.history(customer, id)).items;
    await lab.ask(customer, "unsend", { id, messageId: opened?.id });
    expect((await lab.history(customer, id)).items).toMatchObject([{ text: "", clientMsgId: "open-1" }]);
    // The same words again are another message now.
    await lab.open(customer, { text: "my pin is 4821" });
    await lab.node.call("chat.erase", { userId: customer.id });
    const { items } = await lab.history(agent, id);
    expect(items).toMatchObject([
      { text: "", clientMsgId: "open-1" },
      { text: "", clientMsgId: "open-2" },
    ]);
  });

  test("can be changed for ten minutes", async () => {
    const { id } = await lab.open(customer);
    const { id: messageId } = await lab.send(customer, id, "one");
    const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now() + 10 * 60_000 + 1000);
    try {
      for (const [action, more] of [["edit", { text: "x" }] as const, ["unsend", {}] as const])
        await expect(lab.ask(customer, action, { id, messageId, ...more })).rejects.toMatchObject({ type: "TOO_LATE" });
    } finally {
      clock.mockRestore();
    }
  });
});

describe("a customer", () => {
  test("finds nothing of another's conversation, whatever they ask", async () => {
    const { id } = await lab.open(customer, { text: "secret" });
    const stranger = await lab.person("customer");
    const messageId = `${id}-0000000001`;
    for (const [action, params] of [
      ["find", {}],
      ["history", {}],
      ["send", { clientMsgId: "x", text: "x" }],
      ["edit", { messageId, text: "x" }],
      ["unsend", { messageId }],
      ["read", { seq: 1 }],
      ["rate", { score: 1 }],
      ["typing", { typing: true }],
    ] as const)
      await expect(lab.ask(stranger, action, { id, ...params })).rejects.toMatchObject({
        code: 404,
        type: "CONVERSATION_NOT_FOUND",
      });
    expect(await lab.ask(stranger, "sync", { cursors: { [id]: 0 } })).toEqual({
      messages: [],
      conversations: [],
      more: false,
    });
    expect(await lab.ask(stranger, "list", { q: "secret" })).toEqual({ items: [], nextCursor: null });
    // Notes are refused before anybody looks whose conversation it is.
    for (const conversation of [id, "none"])
      await expect(lab.send(customer, conversation, "x", { kind: "note" })).rejects.toMatchObject({
        code: 403,
        type: "FORBIDDEN",
      });
  });

  test("sees no trace of a note", async () => {
    const { id } = await lab.helped(customer, agent);
    await lab.send(customer, id, "one");
    const note = await lab.send(agent, id, "he is angry", { kind: "note" });
    expect(await lab.find(customer, id)).toMatchObject({ lastSeq: 1, unread: 0 });
    expect(await lab.find(agent, id)).toMatchObject({ lastSeq: 2, unread: 1 });
    await lab.send(agent, id, "two");
    expect(await lab.find(customer, id)).toMatchObject({ lastSeq: 3, unread: 1 });
    for (const params of [{}, { afterSeq: 0 }, { beforeSeq: 9 }])
      expect(seqs((await lab.history(customer, id, params)).items)).toEqual([1, 3]);
    const synced = await lab.ask<{ messages: Message[] }>(customer, "sync", { cursors: { [id]: 0 } });
    expect(seqs(synced.messages)).toEqual([1, 3]);
    expect(await lab.ask(customer, "list", { q: "angry" })).toMatchObject({ items: [] });
    await expect(lab.ask(customer, "unsend", { id, messageId: note.id })).rejects.toMatchObject({
      type: "MESSAGE_NOT_FOUND",
    });
    expect(await eventually(() => lab.toldTo(customer, "chat.message").length === 2)).toBe(true);
    expect(lab.toldTo(customer, "chat.message")).toMatchObject([
      { conversationId: id, message: { seq: 1 }, prevSeq: 0 },
      { conversationId: id, message: { seq: 3 }, prevSeq: 1 },
    ]);
    expect(lab.toldTo(agent, "chat.message")).toMatchObject([
      { message: { seq: 1 }, prevSeq: 0 },
      { message: { seq: 2 }, prevSeq: 1 },
      { message: { seq: 3 }, prevSeq: 2 },
    ]);
    expect(JSON.stringify(lab.told.filter(({ to }) => "users" in to && to.users.includes(customer.id)))).not.toContain(
      "angry",
    );
  });
});

test("what is unread is counted from what one has read, which only grows", async () => {
  const { id } = await lab.helped(customer, agent);
  for (const i of upTo(5)) await lab.send(customer, id, `${i}`);
  await lab.send(agent, id, "yes");
  const other = await lab.person("agent");
  await lab.send(other, id, "psst", { kind: "note" });
  const unread = async (person: Person) => (await lab.find(person, id)).unread;
  expect([await unread(agent), await unread(other), await unread(customer)]).toEqual([6, 6, 1]);
  expect(await lab.ask(agent, "read", { id, seq: 3 })).toMatchObject({ unread: 3 });
  expect(await lab.ask(agent, "read", { id, seq: 1 })).toMatchObject({ unread: 3 });
  expect(await lab.ask(agent, "read", { id, seq: 900 })).toMatchObject({ unread: 0 });
  await lab.send(other, id, "psst again", { kind: "note" });
  const { createdAt: oldestAt } = await lab.send(customer, id, "thanks");
  await lab.send(customer, id, "really");
  expect(await unread(agent)).toBe(3);
  const asked = (userId: string) => lab.node.call("chat.unread", { userId, conversationId: id });
  expect(await asked(agent.id)).toEqual({ unread: 3, oldestAt });
  for (const somebody of [other.id, "nobody"]) expect(await asked(somebody)).toEqual({ unread: 0 });
  await lab.ask(agent, "transfer", { id, queue: true });
  expect(await asked(agent.id)).toEqual({ unread: 0 });
  await lab.ask(other, "claim", { id });
  await lab.send(other, id, "bye");
  expect((await asked(other.id)).unread).toBeGreaterThan(0);
  await lab.ask(customer, "close", { id });
  expect([(await asked(other.id)).unread, (await asked(customer.id)).unread]).toEqual([0, 2]);
  expect(lab.toldTo(customer, "chat.read")).toMatchObject([
    { conversationId: id, userId: agent.id, seq: 3 },
    { userId: agent.id, seq: 6 },
  ]);
});

test("a customer is not told that an agent read a note, but what they read after it", async () => {
  const { id } = await lab.helped(customer, agent);
  const read = (seq: number) => lab.ask(agent, "read", { id, seq });
  await lab.send(customer, id, "1");
  await read(1);
  await lab.send(agent, id, "2", { kind: "note" });
  await read(2);
  await lab.send(customer, id, "3");
  await read(3);
  const readBy = () => lab.toldTo(agent, "chat.read").map((told) => (told as { seq: number }).seq);
  expect(readBy()).toEqual([1, 2, 3]);
  expect(lab.toldTo(customer, "chat.read")).toMatchObject([{ seq: 1 }, { seq: 3 }]);
});

test("history comes in pages from either end, each message once", async () => {
  const { id } = await lab.open(customer);
  await Promise.all(upTo(45).map((i) => lab.send(customer, id, `${i}`)));
  const newest = await lab.history(customer, id);
  expect([seqs(newest.items), newest.more]).toEqual([upTo(45).slice(25), true]);
  const before = await lab.history(customer, id, { beforeSeq: 26, limit: 25 });
  expect([seqs(before.items), before.more]).toEqual([upTo(25), false]);
  const after = await lab.history(customer, id, { afterSeq: 0, limit: 44 });
  expect([seqs(after.items), after.more]).toEqual([upTo(44), true]);
  const last = await lab.history(customer, id, { afterSeq: 44 });
  expect([seqs(last.items), last.more]).toEqual([[45], false]);
  expect(await lab.history(customer, id, { afterSeq: 45 })).toEqual({ items: [], more: false });
});
