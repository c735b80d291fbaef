import { once } from "node:events";
import { setTimeout as delay, setTimeout } from "node:timers/promises";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { CloudEvent } from "../../lib/events";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import { currentRequest } from "../../lib/request-scope";
import { type Handling, handling } from "../../lib/topics/handling";
import { type Message, MessageTooLarge, type Received } from "../../lib/topics/topics";
import { newTraceparent } from "../../lib/trace";
import { topicsMixin } from "../../mixins/topics.mixin";
import { eventually, startNode, type TestNode } from "./node";

const cloudEvent = (subject: string, more: Partial<CloudEvent> = {}): CloudEvent => ({
  specversion: "1.0",
  id: newId(),
  type: "test.happened",
  source: "/test",
  subject,
  time: new Date().toISOString(),
  datacontenttype: "application/json",
  dataschema: "http://localhost/schemas/test.happened.json",
  traceparent: newTraceparent(),
  data: {},
  ...more,
});
const message = (event: CloudEvent | string, key = "k"): Message => ({
  key,
  value: typeof event === "string" ? event : JSON.stringify(event),
  headers: { "content-type": "application/cloudevents+json" },
});

describe("a message that is handled", () => {
  const letters: { topic: string; letter: Message }[] = [];
  let outcomes: string[];
  beforeEach(() => {
    letters.length = 0;
    outcomes = [];
  });
  const handle = (handler: Handling["handler"], more: Partial<Handling> = {}) => {
    const handled = handling({
      topic: "things",
      group: "g",
      handler,
      giveUpMs: 600,
      async publish(topic, [letter]) {
        if (letter && letter.value.length > 500_000) throw new MessageTooLarge(topic, letter.key, letter.value.length);
        if (letter) letters.push({ topic, letter });
      },
      isAble: async () => true,
      report: {
        handled: () => outcomes.push("handled"),
        retried: () => outcomes.push("retried"),
        buried: () => outcomes.push("buried"),
        unburied: () => outcomes.push("unburied"),
      },
      ...more,
    });
    return (received: Received, signal: AbortSignal) =>
      handled(received, signal, (ms) => delay(ms, undefined, { signal }));
  };
  const received = (one: Message): Received => ({ ...one, topic: "things", partition: 3, offset: 42 });
  const { signal } = new AbortController();

  test("is tried again until it works, with its trace", async () => {
    const event = cloudEvent("s");
    const traces: unknown[] = [];
    await handle(async () => {
      traces.push(currentRequest()?.traceparent);
      if (traces.length < 3) throw new Error("not yet");
    })(received(message(event)), signal);
    expect(traces).toEqual([event.traceparent, event.traceparent, event.traceparent]);
    expect(outcomes).toEqual(["retried", "retried", "handled"]);
    expect(letters).toEqual([]);
  });

  test("goes to the dead letters as it was when it fails for too long, with why and from where", async () => {
    const one = received(message(cloudEvent("s")));
    let tries = 0;
    await handle(async () => {
      tries += 1;
      throw new Error("never\nagain");
    })(one, signal);
    expect(tries).toBeGreaterThan(2);
    expect(letters).toEqual([
      {
        topic: "things.dlq",
        letter: {
          key: one.key,
          value: one.value,
          headers: {
            ...one.headers,
            "x-origin-topic": "things",
            "x-origin-partition": "3",
            "x-origin-offset": "42",
            "x-group": "g",
            "x-attempts": String(tries),
            "x-error": "Error: never again",
          },
        },
      },
    ]);
    expect(outcomes.at(-1)).toBe("buried");
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "3"],
    ["no CloudEvent", JSON.stringify({ type: "order.paid" })],
    ["another version", JSON.stringify({ ...cloudEvent("s"), specversion: "0.3" })],
    ["an event without an id", JSON.stringify({ ...cloudEvent("s"), id: undefined })],
    ["an event without a subject", JSON.stringify({ ...cloudEvent("s"), subject: undefined })],
    ["an event without data", JSON.stringify({ ...cloudEvent("s"), data: undefined })],
    ["an event whose data is a list", JSON.stringify({ ...cloudEvent("s"), data: [] })],
  ])("that is %s goes there at once", async (_, value) => {
    await handle(() => Promise.reject(new Error("must not be asked")))(received(message(value)), signal);
    expect(letters.map(({ letter }) => [letter.value, letter.headers["x-attempts"]])).toEqual([[value, "1"]]);
    expect(outcomes).toEqual(["buried"]);
  });

  test("is buried without its value where no topic takes that", async () => {
    const one = received(message("x".repeat(600_000)));
    await handle(async () => undefined)(one, signal);
    expect(letters.map(({ letter }) => [letter.key, letter.value, letter.headers["x-value-bytes"]])).toEqual([
      [one.key, "", "600000"],
    ]);
  });

  test("is no dead letter because the node lacks what it needs", async () => {
    const began = Date.now();
    let tries = 0;
    await handle(
      async () => {
        tries += 1;
        // Longer than a message that fails by itself is tried.
        if (Date.now() - began < 1200) throw new Error("the store is away");
      },
      { isAble: async () => false },
    )(received(message(cloudEvent("s"))), signal);
    expect(tries).toBeGreaterThan(3);
    expect(outcomes.at(-1)).toBe("handled");
    expect(letters).toEqual([]);
  });

  test("that takes too long is told, and is not tried again before it has ended", async () => {
    let running = 0;
    let most = 0;
    const told: string[] = [];
    await handle(
      async (_, stop) => {
        running += 1;
        most = Math.max(most, running);
        if (told.length < 2) {
          await once(stop, "abort");
          told.push(String(stop.reason));
          // Longer than the pause before the next try.
          await setTimeout(400);
          running -= 1;
          throw new Error("ended late");
        }
      },
      { tryMs: 20, endMs: 10_000, giveUpMs: 10_000 },
    )(received(message(cloudEvent("s"))), signal);
    expect(told).toEqual(Array(2).fill("Error: not handled within 20 ms"));
    expect(most).toBe(1);
    expect(outcomes).toEqual(["retried", "retried", "handled"]);
  });

  test("whose try never ends is tried again all the same", async () => {
    let tries = 0;
    await handle(
      async () => {
        tries += 1;
        if (tries === 1) await new Promise(() => undefined);
      },
      { tryMs: 20, endMs: 20 },
    )(received(message(cloudEvent("s"))), signal);
    expect(outcomes).toEqual(["retried", "handled"]);
  });

  test("and its handler are told when the reader is closed", async () => {
    const closing = new AbortController();
    const begun = Promise.withResolvers<void>();
    const handled = handle(async (_, stop) => {
      begun.resolve();
      await once(stop, "abort");
      throw stop.reason;
    })(received(message(cloudEvent("s"))), closing.signal);
    await begun.promise;
    closing.abort(new Error("closed"));
    await expect(handled).rejects.toThrow("closed");
    expect(outcomes).toEqual([]);
  });

  test("asks once whether the node is able, however many fail at a time", async () => {
    let asked = 0;
    const failed = new Set<string>();
    const handler = handle(
      async ({ id }) => {
        if (failed.has(id)) return;
        failed.add(id);
        throw new Error("not yet");
      },
      {
        isAble: async () => {
          asked += 1;
          await setTimeout(20);
          return true;
        },
      },
    );
    await Promise.all(Array.from({ length: 50 }, (_, n) => handler(received(message(cloudEvent(`${n}`))), signal)));
    expect(asked).toBe(1);
    expect(outcomes.filter((outcome) => outcome === "handled")).toHaveLength(50);
  });

  test("is given back when the reader is closed while it waits", async () => {
    const closing = new AbortController();
    const handled = handle(() => Promise.reject(new Error("no")))(received(message(cloudEvent("s"))), closing.signal);
    await eventually(() => outcomes.length > 0);
    closing.abort();
    await expect(handled).rejects.toThrow();
    expect(letters).toEqual([]);
  });
});

describe("a service that declares topics", () => {
  let node: TestNode;
  afterEach(() => node.stop());

  const heard: CloudEvent[] = [];
  let fate: (event: CloudEvent) => Promise<void>;
  let needs: () => Promise<void>;
  let asked = 0;
  const consumer = (broker: ServiceBroker): ServiceSchema => ({
    name: "consumer",
    mixins: [topicsMixin(broker)],
    topics: {
      things: {
        group: "consumer",
        needs: () => {
          asked += 1;
          return needs();
        },
        async handler(event) {
          await fate(event);
          heard.push(event);
        },
      },
    },
  });
  beforeEach(async () => {
    heard.length = 0;
    fate = async () => undefined;
    needs = async () => undefined;
    asked = 0;
    node = await startNode([consumer]);
  });
  const topics = () => nodeOf(node.broker).topics;
  const subjects = () => heard.map(({ subject }) => subject);

  test("gets each event, in order per key, and one that fails holds up no other key", async () => {
    fate = async ({ subject }) => {
      if (subject === "poison") throw new Error("poison");
    };
    const events = ["poison", "a1", "b1", "a2"].map((subject) => message(cloudEvent(subject), subject[0]));
    await topics().publish("things", events);
    await eventually(() => heard.length === 3);
    expect(subjects().filter((subject) => subject?.startsWith("a"))).toEqual(["a1", "a2"]);
    const text = await nodeOf(node.broker).metrics.registry.metrics();
    expect(text).toMatch(/shop_topic_retries_total\{topic="things",group="consumer"\} [1-9]/);
    expect(text).toMatch(/shop_topic_lag\{topic="things",group="consumer"\} [1-4]/);
  });

  test("is not held up by a hundred that fail, each on a key of its own", async () => {
    fate = async ({ subject }) => {
      if (subject.startsWith("poison")) throw new Error("poison");
    };
    const events = Array.from({ length: 100 }, (_, i) => message(cloudEvent(`poison${i}`), `key${i}`));
    await topics().publish("things", [...events, message(cloudEvent("good"), "good")]);
    await eventually(() => subjects().includes("good"));
  });

  test("counts what it is done with", async () => {
    await topics().publish("things", [message(cloudEvent("a")), message("nothing that can be read")]);
    await eventually(async () => (await topics().peek("things.dlq", "x", 10)).length === 1);
    await eventually(() => heard.length === 1);
    const text = await nodeOf(node.broker).metrics.registry.metrics();
    expect(text).toContain('shop_topic_handled_total{topic="things",group="consumer",outcome="ok"} 1');
    expect(text).toContain('shop_topic_handled_total{topic="things",group="consumer",outcome="dead"} 1');
  });

  test("is asked, when an event fails, whether what it needs is there", async () => {
    let there = false;
    needs = async () => {
      if (!there) throw new Error("not there");
    };
    fate = () => (there ? Promise.resolve() : needs());
    await topics().publish("things", [message(cloudEvent("a"))]);
    await eventually(() => asked > 1);
    there = true;
    await eventually(() => heard.length === 1);
    expect(await topics().peek("things.dlq", "x", 10)).toEqual([]);
  });

  test("takes up after a stop what it had not finished", async () => {
    fate = () => Promise.reject(new Error("not now"));
    await topics().publish("things", [message(cloudEvent("late"))]);
    await eventually(async () => (await topics().lag("things", "consumer")) === 1);
    const service = node.broker.getLocalService("consumer");
    if (service) await node.broker.destroyService(service);
    fate = async () => undefined;
    node.broker.createService(consumer(node.broker));
    await eventually(() => heard.length === 1);
    expect(subjects()).toEqual(["late"]);
  });
});
