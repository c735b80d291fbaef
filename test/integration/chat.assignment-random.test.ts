import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../lib/ids";
import type { Collection, Document } from "../../lib/store/collection";
import { NedbStore } from "../../lib/store/nedb";
import { after } from "../../lib/time";
import { type Agent, mayBeGiven } from "../../services/chat/agent";
import { type AgentStore, agentStore } from "../../services/chat/agent.store";
import { type Assigning, assigning } from "../../services/chat/assigning";
import { type Conversation, newConversation } from "../../services/chat/conversation";
import { type ConversationStore, conversationStore } from "../../services/chat/conversation.store";
import { Queue } from "../../services/chat/queue";
import { Chance } from "../chaos/chance";

const LEASE_MS = 40;
const GRACE_MS = 40;

/** A node's way of giving conversations to agents, without the node. */
class Desk {
  readonly failures: unknown[] = [];
  readonly queue: Queue;
  readonly assigning: Assigning;

  constructor(
    private readonly agents: AgentStore,
    private readonly conversations: ConversationStore,
  ) {
    const nothing = () => undefined;
    this.queue = new Queue({
      agents,
      conversations,
      assigning: () => this.assigning,
      failed: (error) => this.failures.push(error),
    });
    const { kick } = this.queue;
    this.assigning = assigning({
      agents,
      conversations,
      leaseMs: LEASE_MS,
      graceMs: GRACE_MS,
      changed: nothing,
      queueChanged: nothing,
      kick,
    });
  }

  /** What the sweepers do with all that is due. */
  async sweep(): Promise<void> {
    const due = { due: { $lte: new Date().toISOString() } };
    for (const agent of await this.agents.collection.find(due)) await this.assigning.lookAfter(agent);
    for (const conversation of await this.conversations.collection.find(due))
      await this.assigning.advance(conversation);
  }
}

let directory: string;
let agents: AgentStore;
let conversations: ConversationStore;
let desks: Desk[];
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "shop-desk-"));
  const store = new NedbStore(directory);
  agents = agentStore(store, { capacity: () => 5, leaseMs: LEASE_MS, graceMs: GRACE_MS });
  conversations = conversationStore(store, () => undefined);
  await agents.collection.open();
  await conversations.collection.open();
  desks = [1, 2, 3].map(() => new Desk(agents, conversations));
});
afterEach(async () => {
  for (const desk of desks) await desk.queue.stop();
  await agents.collection.close();
  await conversations.collection.close();
  rmSync(directory, { recursive: true, force: true });
});

async function agent(capacity: number): Promise<Agent> {
  const { _id: id } = await agents.ensure(newId(), async () => ({ id: "", name: "an agent" }));
  await agents.setConnected(id, true);
  const chosen = await agents.choose(id, { status: "online", capacity });
  if (!chosen) throw new Error("no agent");
  return chosen;
}

async function open(): Promise<Conversation> {
  const opened = await conversations.open(newConversation({ customer: { id: newId(), name: "Kim" } }));
  return opened.conversation;
}

/** Sees the document after each write, in the order of writes. */
function watch<T extends Document>(collection: Collection<T>, seen: (document: T) => void): void {
  const update = collection.update.bind(collection);
  collection.update = async (...args) => {
    const written = await update(...args);
    if (written && "status" in written) seen(written);
    return written;
  };
}

const held = async () =>
  (await agents.all()).flatMap(({ _id, holding }) => Object.keys(holding).map((id) => `${id} ${_id}`)).sort();
const assigned = async () =>
  (await conversations.collection.find({ status: "assigned" })).map(({ _id, agent: by }) => `${_id} ${by?.id}`).sort();

/** Until nothing is due and nothing moves. */
async function settle(desk: Desk): Promise<void> {
  const until = Date.now() + 10_000;
  for (;;) {
    await desk.queue.move();
    await desk.sweep();
    const left = [
      await agents.collection.count({ due: { $gt: "" } }),
      await conversations.collection.count({ due: { $gt: "" } }),
    ];
    if (left.every((count) => count === 0)) return;
    if (Date.now() > until) throw new Error(`still to do: ${left.join(" agents, ")} conversations`);
  }
}

test.each([1, 2, 3])("never over capacity, no place lost, nobody waits for a free place (seed %i)", async (seed) => {
  const chance = new Chance(seed, "desk");
  const broken: string[] = [];
  const withAgent = new Map<string, string>();
  const team: Agent[] = [];
  for (let i = 0; i < 30; i++) team.push(await agent(chance.between(1, 4)));
  const capacities = new Map(team.map(({ _id, capacity }) => [_id, capacity]));
  watch(agents.collection, ({ _id, capacity, free, holding }) => {
    const places = Object.keys(holding).length;
    if (free < 0 || places !== capacity - free) broken.push(`${_id} has ${places} of ${capacity}, ${free} free`);
  });
  watch(conversations.collection, ({ _id, agent: by, status }) => {
    if (by && status === "assigned") withAgent.set(_id, by.id);
    else withAgent.delete(_id);
    if (!by) return;
    const load = [...withAgent.values()].filter((id) => id === by.id).length;
    if (load > (capacities.get(by.id) ?? 0)) broken.push(`${by.id} is with ${load}`);
  });

  const opened: string[] = [];
  const someAgent = () => chance.pick(team)._id;
  const deeds: ((desk: Desk) => Promise<unknown>)[] = [
    async ({ queue }) => {
      opened.push((await open())._id);
      queue.kick();
    },
    ({ assigning }) => assigning.close(chance.pick(opened), () => undefined),
    ({ assigning }) => assigning.claim(chance.pick(opened), someAgent()),
    ({ assigning }) => assigning.transfer(chance.pick(opened), null, { agentId: someAgent() }),
    ({ assigning }) => assigning.transfer(chance.pick(opened), null, "queue"),
    async ({ queue }) => {
      await agents.choose(someAgent(), { status: chance.pick(["online", "online", "away", "offline"]) });
      queue.kick();
    },
    async ({ queue }) => {
      await agents.setConnected(someAgent(), chance.next() < 0.7);
      queue.kick();
    },
    (desk) => desk.sweep(),
  ];
  const expected = ["ALREADY_ASSIGNED", "AGENT_FULL", "CONVERSATION_CLOSED"];
  const running = new Set<Promise<void>>();
  for (let step = 0; opened.length < 300 || step < 900; step++) {
    const deed = opened.length < 12 || chance.next() < 0.3 ? deeds[0] : chance.pick(deeds);
    const work = Promise.resolve(deed?.(chance.pick(desks)))
      .catch((error: { type?: string }) => {
        if (!expected.includes(error.type ?? "")) throw error;
      })
      .then(() => void running.delete(work));
    running.add(work);
    if (running.size >= 24) await Promise.race(running);
  }
  await Promise.all(running);
  for (const { queue } of desks) await queue.move();

  for (const { _id } of team) {
    await agents.setConnected(_id, true);
    await agents.choose(_id, { status: "online" });
  }
  for (const desk of desks) await settle(desk);
  expect(broken).toEqual([]);
  expect(desks.flatMap(({ failures }) => failures)).toEqual([]);
  expect(await held()).toEqual(await assigned());
  const [waiting, all] = [await conversations.queue(), await agents.all()];
  expect(waiting.filter((conversation) => all.some((one) => mayBeGiven(one, conversation)))).toEqual([]);
  expect((await assigned()).length).toBeGreaterThan(30);
  expect(await conversations.collection.find({ releases: { $exists: true } })).toEqual([]);
});

describe("a node that dies between place and conversation", () => {
  test("leaves a place that is freed a lease later, and the conversation goes to somebody", async () => {
    const [desk] = desks as [Desk];
    const { _id } = await agent(1);
    const { _id: id } = await open();
    await agents.take(_id, id, new Date().toISOString(), true);
    await settle(desk);
    expect((await conversations.get(id))?.agent?.id).toBe(_id);
    expect(await held()).toEqual(await assigned());
    expect(await agents.get(_id)).toMatchObject({ free: 0 });
  });

  test("or was only slow: it comes too late", async () => {
    const [slow, quick] = desks as [Desk, Desk];
    const one = await agent(1);
    const { _id: id } = await open();
    const { apply } = conversations;
    const result = Promise.withResolvers<void>();
    conversations.apply = async (transition) => {
      conversations.apply = apply;
      await agents.choose(one._id, { status: "away" });
      await settle(quick);
      expect(await held()).toEqual([]);
      result.resolve();
      return apply(transition);
    };
    const conversation = await conversations.get(id);
    if (!conversation) throw new Error("no conversation");
    expect(await slow.assigning.give(one, conversation)).toMatchObject({ conversation: null });
    await result.promise;
    expect(await conversations.get(id)).toMatchObject({ status: "queued", agent: null });
    expect(await agents.get(one._id)).toMatchObject({ free: 1, holding: {} });
  });

  test("and the queue does not wait for the sweeper where that keeps a conversation from the only one with a place", async () => {
    const [desk] = desks as [Desk];
    const one = await agent(2);
    const { _id: id } = await open();
    expect(await agents.take(one._id, id, after(-3000), true)).toMatchObject({ free: 1 });
    await desk.queue.move();
    await desk.queue.move();
    expect(await conversations.get(id)).toMatchObject({ status: "assigned", agent: { id: one._id } });
    expect(await agents.get(one._id)).toMatchObject({ free: 1 });
  });

  test("after an agent's place was to be given back: it is free a lease later", async () => {
    const [desk] = desks as [Desk];
    const one = await agent(1);
    const { _id: id } = await open();
    await desk.queue.move();
    const { give } = agents;
    agents.give = () => Promise.reject(new Error("dead"));
    await expect(desk.assigning.close(id, () => undefined)).rejects.toThrow("dead");
    agents.give = give;
    expect(await agents.get(one._id)).toMatchObject({ free: 0 });
    await settle(desk);
    expect(await agents.get(one._id)).toMatchObject({ free: 1, holding: {} });
  });
});

test("a long queue costs a small read while nobody has a place", async () => {
  const [desk] = desks as [Desk];
  for (let i = 0; i < 50; i++) await open();
  await settle(desk);
  const reads: string[] = [];
  const { find } = conversations.collection;
  conversations.collection.find = (...args) => {
    reads.push("conversations");
    return find.apply(conversations.collection, args);
  };
  for (let i = 0; i < 10; i++) await desk.queue.move();
  expect(reads).toEqual([]);
});
