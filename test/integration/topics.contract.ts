import { setTimeout } from "node:timers/promises";
import { newId } from "../../lib/ids";
import { deadLettersOf, type Message, type Received, type Topics } from "../../lib/topics/topics";
import { eventually } from "./node";

/** A group on Kafka takes some seconds to begin, and nothing here is about how long. */
const PATIENCE_MS = 40_000;

export const message = (key: string, value = key, headers: Record<string, string> = {}): Message => ({
  key,
  value,
  headers,
});
export const values = (received: Pick<Message, "value">[]) => received.map(({ value }) => value);
export const keys = (received: Pick<Message, "key">[]) => received.map(({ key }) => key);
/** A name that no other test, nor an earlier run, has given. */
export const fresh = (name: string) => `${name}-${newId()}`;
export const soon = <T>(look: () => Promise<T> | T) => eventually(look, PATIENCE_MS);
/** Resolves when the signal does; whoever waits like this has not finished. */
export const waiting = (signal: AbortSignal) => setTimeout(10 * PATIENCE_MS, undefined, { signal });

/** Reads and keeps what it was given; `handle` is done first. */
export function collect(topics: Topics, topic: string, group: string, handle: Handle = async () => undefined) {
  const handled: Received[] = [];
  const subscription = topics.subscribe({
    topic,
    group,
    async handle(received, signal) {
      await handle(received, signal);
      handled.push(received);
    },
  });
  return { handled, subscription };
}
type Handle = (received: Received, signal: AbortSignal) => Promise<unknown>;

/**
 * What may be relied on whichever topics there are. `open` gives topics on data that outlives them; one at a time is open.
 */
export function topicsContract(open: () => Topics): void {
  jest.setTimeout(3 * PATIENCE_MS);
  let topics: Topics;
  let topic: string;
  let group: string;
  beforeEach(() => {
    topics = open();
    topic = fresh("topic");
    group = fresh("group");
  });
  afterEach(() => topics.close());

  const reopened = async () => {
    await topics.close();
    topics = open();
    return topics;
  };

  test("key, value and headers arrive as they were published, whatever is in them", async () => {
    const odd = 'line\nsep\u2028par\u2029nel\u0085\r\u0000 "quoted" \\ \u{1F600} 가나다';
    const published = [
      message("plain", '{"a":1}', { traceparent: "00-1", "content-type": "application/json" }),
      message("가나다 key", odd, { odd }),
      message("empty", ""),
      message("long", "가x\n".repeat(50_000)),
    ];
    await topics.publish(topic, published);
    const { handled } = collect(topics, topic, group);
    await soon(() => handled.length === published.length);
    const byKey = (some: Message[]) => [...some].sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(byKey(handled.map(({ key, value, headers }) => ({ key, value, headers })))).toEqual(byKey(published));
    for (const { topic: from, partition, offset } of handled)
      expect([from, Number.isInteger(partition), Number.isInteger(offset)]).toEqual([topic, true, true]);
  });

  test("what has one key is read in the order it was published in, over many publishes", async () => {
    const { handled } = collect(topics, topic, group, () => setTimeout(Math.random() * 2));
    const names = ["a", "b", "c"];
    for (let i = 0; i < 60; i += 2)
      await topics.publish(
        topic,
        [i, i + 1].flatMap((n) => names.map((key) => message(key, `${n}`))),
      );
    await soon(() => handled.length === 180);
    for (const name of names)
      expect(values(handled.filter(({ key }) => key === name))).toEqual(Array.from({ length: 60 }, (_, n) => `${n}`));
  });

  test("each of several groups gets every message, and within a group one reader does", async () => {
    const first = Array.from({ length: 20 }, (_, i) => message(`first ${i}`));
    const second = Array.from({ length: 20 }, (_, i) => message(`second ${i}`));
    const one = collect(topics, topic, group);
    const other = collect(topics, topic, group);
    const alone = collect(topics, topic, fresh("group"));
    const seen = () => keys([...one.handled, ...other.handled]);
    await topics.publish(topic, first);
    await soon(async () => new Set(seen()).size === 20 && alone.handled.length === 20);
    // By then both have their share, and nothing has to be repeated because a reader came late.
    await soon(async () => (await topics.lag(topic, group)) === 0);
    await topics.publish(topic, second);
    await soon(() => new Set(seen()).size === 40 && alone.handled.length === 40);
    expect(keys(alone.handled).sort()).toEqual(keys([...first, ...second]).sort());
    const again = seen().filter((key) => key.startsWith("second"));
    expect(again.sort()).toEqual(keys(second).sort());
  });

  test("one group reads two topics, by several readers of each", async () => {
    const other = fresh("topic");
    const published = Array.from({ length: 20 }, (_, i) => message(`key ${i}`));
    const topicsRead = [topic, other, topic, other];
    const readers = topicsRead.map((name) => collect(topics, name, group));
    const seen = (name: string) => readers.flatMap(({ handled }) => handled.filter((one) => one.topic === name));
    for (const name of [topic, other]) await topics.publish(name, published);
    for (const name of [topic, other]) {
      await soon(() => new Set(keys(seen(name))).size === 20);
      await soon(async () => (await topics.lag(name, group)) === 0);
    }
    await Promise.all(readers.map(({ subscription }) => subscription.close()));
    for (const name of [topic, other]) await topics.publish(name, [message("late")]);
    const [first] = await topics.peek(topic, group, 10);
    if (first) await topics.movePast(group, first);
    expect([await topics.lag(topic, group), await topics.lag(other, group)]).toEqual([0, 1]);
  });

  test("a reader may come before anything was published", async () => {
    const { handled, subscription } = collect(topics, topic, group);
    expect(await topics.lag(topic, fresh("group"))).toBe(0);
    await topics.publish(topic, [message("a")]);
    await soon(() => handled.length === 1);
    expect(subscription.failure).toBeUndefined();
  });

  test("a group that is new begins with the oldest message", async () => {
    await topics.publish(topic, [message("a", "1"), message("a", "2")]);
    const early = collect(topics, topic, fresh("group"));
    await soon(() => early.handled.length === 2);
    await topics.publish(topic, [message("a", "3")]);
    const late = collect(topics, topic, group);
    await soon(() => late.handled.length === 3);
    expect(values(late.handled)).toEqual(["1", "2", "3"]);
  });

  test("what was handled does not come again after closing and opening anew", async () => {
    await topics.publish(topic, [message("a", "1"), message("a", "2")]);
    const before = collect(topics, topic, group);
    await soon(() => before.handled.length === 2);
    await before.subscription.close();
    await reopened();
    expect(await topics.lag(topic, group)).toBe(0);
    const after = collect(topics, topic, group);
    await topics.publish(topic, [message("a", "3")]);
    await soon(() => after.handled.length > 0);
    expect(values(after.handled)).toEqual(["3"]);
  });

  test("what was not finished comes again after closing and opening anew, and all behind it on its key", async () => {
    await topics.publish(topic, [message("a", "done"), message("a", "unfinished"), message("a", "behind")]);
    let begun = false;
    const before = collect(topics, topic, group, async ({ value }, signal) => {
      if (value === "done") return;
      begun = true;
      await waiting(signal);
    });
    await soon(() => begun);
    await reopened();
    expect(values(before.handled)).toEqual(["done"]);
    expect(await topics.lag(topic, group)).toBe(2);
    const after = collect(topics, topic, group);
    await soon(() => after.handled.length === 2);
    expect(values(after.handled)).toEqual(["unfinished", "behind"]);
  });

  test("a closed reader's work goes on with the next one of its group", async () => {
    await topics.publish(topic, [message("a", "1")]);
    const first = collect(topics, topic, group, (_, signal) => waiting(signal));
    const second = collect(topics, topic, group);
    await first.subscription.close();
    await soon(() => second.handled.length === 1);
    await topics.publish(topic, [message("a", "2")]);
    await soon(() => second.handled.length === 2);
    expect(values(second.handled)).toEqual(["1", "2"]);
    expect(first.handled).toEqual([]);
  });

  test("what is rejected comes again, what is behind it on its key waits for it, other keys go on", async () => {
    await topics.publish(topic, [
      message("bad", "1"),
      message("bad", "2"),
      ...Array.from({ length: 30 }, (_, i) => message(`good ${i}`)),
    ]);
    const tried: string[] = [];
    const { handled, subscription } = collect(topics, topic, group, async ({ key, value }) => {
      if (key !== "bad") return;
      tried.push(value);
      const others = handled.filter((received) => received.key !== "bad").length;
      if (tried.length < 3 || others < 30) throw new Error("not yet");
    });
    await soon(() => handled.filter(({ key }) => key === "bad").length === 2);
    expect(tried).toEqual([...tried.slice(1).map(() => "1"), "2"]);
    expect(tried.length).toBeGreaterThanOrEqual(4);
    expect(new Set(keys(handled)).size).toBe(31);
    await soon(async () => (await topics.lag(topic, group)) === 0);
    expect(subscription.failure).toBeUndefined();
  });

  test("a slow key holds up no other, and what is beyond it is not taken for done", async () => {
    const others = Array.from({ length: 30 }, (_, i) => message(`quick ${i}`));
    await topics.publish(topic, [message("slow"), ...others]);
    const before = collect(topics, topic, group, async ({ key }, signal) => {
      if (key === "slow") await waiting(signal);
    });
    await soon(() => new Set(keys(before.handled)).size === 30);
    expect(await topics.lag(topic, group)).toBeGreaterThanOrEqual(1);
    await reopened();
    const after = collect(topics, topic, group);
    await soon(() => keys(after.handled).includes("slow"));
    expect(keys(before.handled)).not.toContain("slow");
  });

  test("lag is what a group has still to handle", async () => {
    expect(await topics.lag(topic, group)).toBe(0);
    await topics.publish(
      topic,
      [1, 2, 3, 4, 5].map((n) => message(`${n}`)),
    );
    expect(await topics.lag(topic, group)).toBe(5);
    const { handled, subscription } = collect(topics, topic, group);
    await soon(async () => (await topics.lag(topic, group)) === 0);
    expect(handled).toHaveLength(5);
    await subscription.close();
    await topics.publish(topic, [message("6")]);
    expect(await topics.lag(topic, group)).toBe(1);
    expect(await topics.lag(topic, fresh("group"))).toBe(6);
  });

  test("the oldest messages can be looked at as often as one likes, and passed by", async () => {
    expect(await topics.peek(topic, group, 10)).toEqual([]);
    const published = ["1", "2", "3"].map((value) => message("a", value, { why: `because ${value}` }));
    await topics.publish(topic, published);
    const [first, second] = await topics.peek(topic, group, 2);
    expect(first).toMatchObject({ topic, ...published[0] });
    expect(second).toMatchObject({ topic, ...published[1] });
    expect(values(await topics.peek(topic, group, 10))).toEqual(["1", "2", "3"]);
    if (first) await topics.movePast(group, first);
    expect(values(await topics.peek(topic, group, 10))).toEqual(["2", "3"]);
    expect(values(await topics.peek(topic, fresh("group"), 10))).toEqual(["1", "2", "3"]);
    expect(await topics.lag(topic, group)).toBe(2);
    await reopened();
    if (second) await topics.movePast(group, second);
    const { handled } = collect(topics, topic, group);
    await soon(() => handled.length > 0);
    expect(values(handled)).toEqual(["3"]);
  });

  test("the messages of a key can be looked up, of those since then", async () => {
    const since = new Date(Date.now() - 60_000).toISOString();
    expect(await topics.ofKey(topic, "a", since, 100)).toEqual([]);
    await topics.publish(topic, [message("a", "1"), message("b", "2"), message("a", "3")]);
    expect(values(await topics.ofKey(topic, "a", since, 100))).toEqual(["1", "3"]);
    expect(values(await topics.ofKey(topic, "b", since, 100))).toEqual(["2"]);
    expect(await topics.ofKey(topic, "c", since, 100)).toEqual([]);
    expect(await topics.ofKey(topic, "a", new Date(Date.now() + 60_000).toISOString(), 100)).toEqual([]);
  });

  test("dead letters are in the order they came in, whatever their keys", async () => {
    const letters = deadLettersOf(topic);
    for (const key of ["a", "b", "c", "d"]) await topics.publish(letters, [message(key)]);
    const found = await topics.peek(letters, group, 10);
    expect(keys(found)).toEqual(["a", "b", "c", "d"]);
    if (found[1]) await topics.movePast(group, found[1]);
    expect(keys(await topics.peek(letters, group, 10))).toEqual(["c", "d"]);
  });

  test("closing tells handlers that wait, and resolves when they have ended", async () => {
    await topics.publish(topic, [message("a"), message("b")]);
    let running = 0;
    const { subscription } = collect(topics, topic, group, async (_, signal) => {
      running += 1;
      await waiting(signal).catch(() => setTimeout(20));
      running -= 1;
      throw new Error("not finished");
    });
    await soon(() => running > 0);
    await subscription.close();
    expect(running).toBe(0);
    await subscription.close();
    expect(await topics.lag(topic, group)).toBe(2);
  });

  test("closing waits some 2 s for a handler that does not end; its message comes again whatever it does then", async () => {
    await topics.publish(topic, [message("a", "1"), message("a", "2")]);
    const held = Promise.withResolvers<void>();
    let begun = false;
    const { handled } = collect(topics, topic, group, async () => {
      begun = true;
      await held.promise;
    });
    await soon(() => begun);
    const closing = Date.now();
    await topics.close();
    expect(Date.now() - closing).toBeLessThan(4000);
    held.resolve();
    await soon(() => handled.length === 1);
    await reopened();
    expect(await topics.lag(topic, group)).toBe(2);
    const after = collect(topics, topic, group);
    await soon(() => after.handled.length === 2);
    expect(values(after.handled)).toEqual(["1", "2"]);
  });

  test("a publish that is told to end before it began stores nothing", async () => {
    await topics.publish(topic, [message("a", "1")]);
    const ended = topics.publish(topic, [message("a", "2")], AbortSignal.abort(new Error("told to end")));
    await expect(ended).rejects.toThrow("told to end");
    await topics.publish(topic, [message("a", "3")]);
    expect(values(await topics.peek(topic, group, 10))).toEqual(["1", "3"]);
  });

  test("closing the topics closes their readers too; nothing can be published from then on", async () => {
    await topics.publish(topic, [message("a")]);
    let running = 0;
    collect(topics, topic, group, async (_, signal) => {
      running += 1;
      await waiting(signal).finally(() => {
        running -= 1;
      });
    });
    await soon(() => running > 0);
    await topics.ping();
    await topics.close();
    await topics.close();
    expect(running).toBe(0);
    await expect(topics.publish(topic, [message("b")])).rejects.toThrow();
  });

  test("5,000 messages are all read, each key's in order", async () => {
    const last = new Map<string, number>();
    const early: string[] = [];
    let count = 0;
    collect(topics, topic, group, async ({ key, value }) => {
      // At least once: a reader that joins may have some repeated, but none comes before its predecessor.
      if (Number(value) > (last.get(key) ?? -1) + 1) early.push(`${value} of ${key} after ${last.get(key)}`);
      last.set(key, Math.max(last.get(key) ?? -1, Number(value)));
      count += 1;
    });
    for (let n = 0; n < 50; n += 5)
      await topics.publish(
        topic,
        [0, 1, 2, 3, 4].flatMap((more) => Array.from({ length: 100 }, (_, k) => message(`key ${k}`, `${n + more}`))),
      );
    await soon(() => last.size === 100 && [...last.values()].every((value) => value === 49));
    expect(count).toBeGreaterThanOrEqual(5000);
    expect(early).toEqual([]);
    await soon(async () => (await topics.lag(topic, group)) === 0);
  });
}
