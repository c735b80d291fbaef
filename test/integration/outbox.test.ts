import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutboxEntry } from "../../lib/events";
import { newId } from "../../lib/ids";
import { Lease, type LeaseRecord } from "../../lib/lease";
import { bornWithEvent, type OutboxDocument, outboxIndex, Relay, withEvent } from "../../lib/outbox";
import { currentRequest, inRequest } from "../../lib/request-scope";
import type { OpenableCollection } from "../../lib/store/collection";
import { NedbStore } from "../../lib/store/nedb";
import { eventually } from "./node";

const logger = { warn: () => undefined, info: () => undefined } as never;

describe("an outbox", () => {
  let dir: string;
  let documents: OpenableCollection<OutboxDocument>;
  let leases: OpenableCollection<LeaseRecord>;
  let relays: Relay<OutboxDocument>[];
  /** Ids of events in the order in which they reached the topic. */
  let topic: string[];
  let publish: (batch: OutboxDocument[]) => Promise<void>;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "shop-outbox-"));
    const store = new NedbStore(dir);
    documents = store.collection("test", { name: "documents", indexes: [outboxIndex] });
    leases = store.collection("test", { name: "leases" });
    await Promise.all([documents.open(), leases.open()]);
    topic = [];
    relays = [];
    publish = async (batch) => void topic.push(...batch.flatMap(({ outbox = [] }) => outbox.map(({ id }) => id)));
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await Promise.all([documents.close(), leases.close()]);
    rmSync(dir, { recursive: true, force: true });
  });

  async function relay(more: { leaseMs?: number; elsewhere?: () => void } = {}): Promise<Relay<OutboxDocument>> {
    const made = new Relay<OutboxDocument>({
      collection: documents,
      lease: new Lease(leases, "outbox", more.leaseMs ?? 3000),
      logger,
      publish: (batch) => publish(batch),
      failed: () => undefined,
      elsewhere: more.elsewhere ?? (() => undefined),
    });
    relays.push(made);
    await made.start();
    return made;
  }

  const entry = (): OutboxEntry => ({ id: newId(), type: "t", time: "now", traceparent: "", data: {} });

  async function write(id: string): Promise<string> {
    const event = entry();
    await documents.insertMany([{ _id: id }]);
    await documents.update({ _id: id }, withEvent({}, event));
    return event.id;
  }
  const writeMany = async (count: number) => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push(await write(`d${i}`));
    return ids;
  };

  test("is emptied oldest first, each event once, however many there are", async () => {
    const ids = await writeMany(700);
    const batches: number[] = [];
    const push = publish;
    publish = async (batch) => {
      batches.push(batch.length);
      await push(batch);
    };
    const mine = await relay();
    expect([await mine.waiting(), (await mine.oldest()) < 60]).toEqual([700, true]);
    mine.wake();
    await eventually(async () => (await mine.waiting()) === 0);
    expect(await mine.oldest()).toBe(0);
    expect(topic).toEqual(ids);
    // What waits beyond a batch is not in memory.
    expect(Math.max(...batches)).toBeLessThanOrEqual(256);
    expect(await documents.get("d0")).toEqual({ _id: "d0" });
  });

  test("keeps what comes while it is being published, and publishes the rest once", async () => {
    const first = await write("d");
    let second = "";
    const push = publish;
    publish = async (batch) => {
      if (!second) second = await write("d");
      await push(batch);
    };
    (await relay()).wake();
    await eventually(() => topic.length === 2);
    expect(topic).toEqual([first, second]);
  });

  test("takes several events of one change, in their order", async () => {
    const [one, two, three] = [entry(), entry(), entry()];
    await documents.insert({ _id: "d", ...bornWithEvent(one) });
    await documents.update({ _id: "d" }, withEvent(withEvent({}, two), three));
    (await relay()).wake();
    await eventually(() => topic.length === 3);
    expect(topic).toEqual([one.id, two.id, three.id]);
  });

  test("is published in nobody's name", async () => {
    const scopes: unknown[] = [];
    const push = publish;
    publish = async (batch) => {
      scopes.push(currentRequest());
      await push(batch);
    };
    await write("d");
    const mine = await relay();
    await inRequest({ requestId: "somebody's" }, async () => mine.wake());
    await eventually(() => topic.length === 1);
    expect(scopes).toEqual([undefined]);
  });

  test("loses nothing to a topic that cannot be written to", async () => {
    const ids = await writeMany(10);
    const push = publish;
    let tries = 0;
    publish = async (batch) => {
      tries += 1;
      if (tries < 4) throw new Error("away");
      await push(batch);
    };
    const mine = await relay();
    mine.wake();
    await eventually(async () => (await mine.waiting()) === 0);
    expect([topic, tries]).toEqual([ids, 4]);
  });

  test("is emptied by one of several relays, and by another once that one is silent", async () => {
    const reached = Promise.withResolvers<void>();
    const thawed = Promise.withResolvers<void>();
    const push = publish;
    let calls = 0;
    publish = async (batch) => {
      calls += 1;
      if (calls > 1) return push(batch);
      reached.resolve();
      await thawed.promise;
      await push(batch);
    };
    const told: string[] = [];
    const one = await relay({ leaseMs: 300 });
    const two = await relay({ leaseMs: 300, elsewhere: () => void told.push("one") });
    const ids = await writeMany(3);
    one.wake();
    await reached.promise;
    two.look();
    await eventually(() => {
      two.wake();
      return told.length > 0;
    });
    expect(topic).toEqual([]);
    await eventually(() => {
      two.look();
      return topic.length === 3;
    });
    expect(topic).toEqual(ids);
    // It comes back and repeats what it had begun: at least once, the first time in order.
    thawed.resolve();
    await eventually(() => topic.length === 6);
    expect([...new Set(topic)]).toEqual(ids);
  });

  test("of a relay that was stopped is another one's at once", async () => {
    const one = await relay({ leaseMs: 60_000 });
    const first = await write("d");
    one.wake();
    await eventually(() => topic.length === 1);
    await one.stop();
    const two = await relay({ leaseMs: 60_000 });
    const second = await write("d");
    two.wake();
    await eventually(() => topic.length === 2);
    expect(topic).toEqual([first, second]);
  });
});
