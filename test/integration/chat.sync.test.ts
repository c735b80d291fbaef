import { setImmediate } from "node:timers/promises";
import { newId } from "../../lib/ids";
import type { Conversation, Message } from "../../services/chat/chat.contract";
import { ChatLab, type Person, seqs, upTo } from "./chat.parts";

interface Synced {
  messages: Message[];
  conversations: Conversation[];
  more: boolean;
}

let lab: ChatLab;
beforeAll(async () => {
  lab = await ChatLab.start();
});
afterAll(() => lab.stop());

/** A client that was away: what it has, applied by id, and how far it is in each conversation. */
class Client {
  readonly has = new Map<string, Message>();
  readonly cursors: Record<string, number> = {};
  calls = 0;

  constructor(
    private readonly person: Person,
    ids: string[],
  ) {
    for (const id of ids) this.cursors[id] = 0;
  }

  async call(): Promise<Synced> {
    this.calls += 1;
    const synced = await lab.ask<Synced>(this.person, "sync", { cursors: { ...this.cursors } });
    const last: Record<string, number> = {};
    for (const message of synced.messages) {
      const { conversationId: id, seq } = message;
      if (seq > (this.cursors[id] ?? 0)) expect(seq).toBeGreaterThan(last[id] ?? 0);
      last[id] = seq;
      this.has.set(message.id, message);
      this.cursors[id] = Math.max(this.cursors[id] ?? 0, seq);
    }
    return synced;
  }

  async catchUp(): Promise<void> {
    while ((await this.call()).more) expect(this.calls).toBeLessThan(50);
  }

  async expectAll(): Promise<void> {
    for (const id of Object.keys(this.cursors)) {
      const all: Message[] = [];
      for (let more = true; more; ) {
        const page = await lab.history(this.person, id, { afterSeq: all.at(-1)?.seq ?? 0, limit: 100 });
        all.push(...page.items);
        more = page.more;
      }
      const mine = [...this.has.values()].filter(({ conversationId }) => conversationId === id);
      expect(mine.sort((a, b) => a.seq - b.seq)).toEqual(all);
    }
  }
}

test("a client catches up with many conversations page by page, whatever is written and changed meanwhile", async () => {
  const agent = await lab.person("agent");
  await lab.ask(agent, "setAgentStatus", { status: "online", capacity: 20 });
  const conversations: { id: string; customer: Person }[] = [];
  for (const size of [400, 0, 300, 5]) {
    const customer = await lab.person("customer");
    const { id } = await lab.helped(customer, agent);
    await Promise.all(upTo(size).map((i) => lab.send(customer, id, `${i}`)));
    conversations.push({ id, customer });
  }
  const client = new Client(
    agent,
    conversations.map(({ id }) => id),
  );
  const first = await client.call();
  expect([first.messages.length, first.more]).toEqual([500, true]);
  expect(first.conversations).toHaveLength(4);
  // While it is half way through: what it has is edited and deleted, and more is written.
  for (const { id, customer } of conversations) {
    const { items } = await lab.history(customer, id, { afterSeq: 0, limit: 3 });
    const [one, two] = items;
    if (one) await lab.ask(customer, "edit", { id, messageId: one.id, text: "edited" });
    await lab.send(customer, id, "more");
    if (two) await lab.ask(customer, "unsend", { id, messageId: two.id });
  }
  await client.catchUp();
  await client.expectAll();
  expect(client.calls).toBeLessThanOrEqual(3);
});

test("what is changed under the last message is seen with the next sync, and no more once there is another", async () => {
  const customer = await lab.person("customer");
  const { id } = await lab.open(customer);
  const sent: Message[] = [];
  for (const i of upTo(3)) sent.push(await lab.send(customer, id, `${i}`));
  const client = new Client(customer, [id]);
  await client.catchUp();
  expect((await client.call()).messages).toEqual([]);
  await lab.ask(customer, "edit", { id, messageId: sent[0]?.id, text: "edited" });
  await lab.ask(customer, "unsend", { id, messageId: sent[2]?.id });
  expect(seqs((await client.call()).messages)).toEqual([1, 3]);
  await client.expectAll();
  await lab.send(customer, id, "4");
  expect(seqs((await client.call()).messages)).toEqual([1, 3, 4]);
  expect((await client.call()).messages).toEqual([]);
  expect(await lab.ask(customer, "sync", { cursors: { [id]: 900, [newId()]: 0 } })).toMatchObject({
    messages: [],
    conversations: [{ id }],
    more: false,
  });
});

test("edits that race with writers and readers are missed by nobody", async () => {
  const customer = await lab.person("customer");
  const agent = await lab.person("agent");
  const { id } = await lab.helped(customer, agent);
  const sent: Message[] = [];
  for (const i of upTo(10)) sent.push(await lab.send(customer, id, `${i}`));
  const client = new Client(agent, [id]);
  let writing = true;
  const reading = (async () => {
    // The embedded store alone would never let the writers have their turn.
    for (; writing; await setImmediate()) await client.call();
  })();
  try {
    await Promise.all([
      ...sent.flatMap(({ id: messageId }, i) =>
        upTo(4).map((j) => lab.ask(customer, "edit", { id, messageId, text: `${i} ${j}` })),
      ),
      ...upTo(40).map((i) => lab.send(i % 2 ? agent : customer, id, `more ${i}`)),
    ]);
  } finally {
    writing = false;
  }
  await reading;
  await client.catchUp();
  await client.expectAll();
});

const bytes = (answer: object) => Buffer.byteLength(JSON.stringify(answer));

test("no answer is too large for NATS, whatever is written, and a client catches up all the same", async () => {
  const customer = await lab.person("customer");
  const { id } = await lab.open(customer);
  // Six bytes each in JSON.
  const heavy = "\u0001".repeat(4000);
  for (let i = 0; i < 60; i++) await lab.send(customer, id, heavy);
  expect(bytes(await lab.history(customer, id, { limit: 100 }))).toBeLessThan(500_000);
  expect(bytes(await lab.history(customer, id, { afterSeq: 3, limit: 100 }))).toBeLessThan(500_000);
  const client = new Client(customer, [id]);
  expect(bytes(await client.call())).toBeLessThan(500_000);
  await client.catchUp();
  await client.expectAll();
});

test("what somebody edits has an end, so that it is in one answer", async () => {
  const customer = await lab.person("customer");
  const { id } = await lab.open(customer);
  const sent = [];
  for (let i = 0; i < 5; i++) sent.push(await lab.send(customer, id, `${i}`));
  const edit = (message: Message | undefined, text: string) =>
    lab.ask<Message>(customer, "edit", { id, messageId: message?.id, text });
  const heavy = "\u0001".repeat(4000);
  for (const message of sent.slice(0, 2)) await edit(message, heavy);
  await expect(edit(sent[2], heavy)).rejects.toMatchObject({ code: 429, type: "TOO_MANY_EDITS" });
  expect(await edit(sent[3], "short")).toMatchObject({ text: "short" });
});

test("the heads of conversations are those that each user may see", async () => {
  const customer = await lab.person("customer");
  const agent = await lab.person("agent");
  const { id } = await lab.helped(customer, agent);
  await lab.send(customer, id, "1");
  await lab.send(agent, id, "2", { kind: "note" });
  const users = [customer.id, agent.id, "nobody"];
  expect(await lab.node.call("chat.heads", { users })).toEqual({
    heads: { [customer.id]: { [id]: 1 }, [agent.id]: { [id]: 2 } },
  });
});
