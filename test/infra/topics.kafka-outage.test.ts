import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Servers, servers } from "../../lib/infra";
import { freeRange } from "../../lib/infra/ports";
import type { KafkaTopics } from "../../lib/topics/kafka";
import { collect, fresh, message, soon, values, waiting } from "../integration/topics.contract";
import { keptLogger } from "../integration/topics.parts";
import { withServers } from "./servers";
import { firstOnes, kafkaTopics, numbersTo, upTo } from "./topics.kafka.parts";

const KEYS = ["a", "b", "c", "d"];
/** Nine seconds, and what a busy machine takes. */
const PUBLISH_MS = 20_000;
/** Some two seconds, and what a busy machine takes; less than a publish has. */
const CLOSE_MS = 7000;

withServers(["kafka"], "Kafka that goes away and comes back", () => {
  jest.setTimeout(120_000);
  const dir = mkdtempSync(join(tmpdir(), "shop-kafka-"));
  const { logger, lines } = keptLogger();
  const isOfReader = (line: string) => line.includes("cannot be used for reading");
  const told = () => lines.filter((line) => !line.startsWith("debug"));
  let set: Servers;
  let brokers: string;
  let topics: KafkaTopics;
  let topic: string;
  let group: string;

  beforeAll(async () => {
    set = servers({ dir, basePort: await freeRange(10), given: {}, names: ["kafka"] });
    await set.start();
    brokers = (await set.env()).KAFKA_BROKERS ?? "";
  });
  afterAll(async () => {
    await set.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  beforeEach(() => {
    lines.length = 0;
    topics = kafkaTopics(brokers, "shop", { logger });
    topic = fresh("topic");
    group = fresh("group");
  });
  afterEach(() => topics.close());

  const took = async (work: Promise<unknown>) => {
    const began = Date.now();
    await work.catch(() => undefined);
    return Date.now() - began;
  };

  test("a publish is refused in time and works when it is back; a reader goes on by itself; each is told once", async () => {
    const { handled } = collect(topics, topic, group);
    await topics.publish(topic, [message("a", "before")]);
    await soon(() => handled.length === 1);
    await set.stop();
    const refused = topics.publish(topic, [message("a", "refused")]);
    expect(await took(refused)).toBeLessThan(PUBLISH_MS);
    await expect(refused).rejects.toThrow();
    // What was told while it ended does not count: until then it may have answered one part and not the other.
    const refusals = lines.length;
    await soon(() => lines.slice(refusals).some(isOfReader));
    const before = told().length;
    await expect(topics.publish(topic, [message("a", "refused, too")])).rejects.toThrow();
    await expect(topics.ping()).rejects.toThrow();
    expect(told().slice(before)).toEqual([]);
    await set.start();
    await topics.publish(topic, [message("a", "after"), message("a", "last")]);
    await soon(() => values(handled).includes("last"));
    expect([...new Set(values(handled))]).toEqual(["before", "after", "last"]);
    await topics.ping();
    expect(told().slice(before)).toEqual(["info Kafka can be used again"]);
  });

  test("a reader and a publisher that begin while it is away go on when it is there", async () => {
    await set.stop();
    const { handled, subscription } = collect(topics, topic, group);
    const stream = numbersTo(topics, topic, ["a"]);
    await soon(() => stream.failed > 1);
    await set.start();
    await soon(() => stream.acknowledged > 5);
    await stream.stop();
    await soon(() => firstOnes(handled, "a").length === stream.acknowledged);
    expect(firstOnes(handled, "a")).toEqual(upTo(stream.acknowledged));
    expect(subscription.failure).toBeUndefined();
  });

  test("all that was acknowledged is there and each key's in order, whenever it is killed", async () => {
    const { handled } = collect(topics, topic, group);
    const stream = numbersTo(topics, topic, KEYS);
    for (let kills = 0; kills < 2; kills++) {
      const before = stream.acknowledged;
      await soon(() => stream.acknowledged > before + 50);
      await set.kill();
      await set.start();
    }
    const before = stream.acknowledged;
    await soon(() => stream.acknowledged > before + 50);
    await stream.stop();
    expect(stream.failed).toBeGreaterThan(0);
    const late = kafkaTopics(brokers, "shop");
    const all = collect(late, topic, fresh("group"));
    const whole = upTo(stream.acknowledged);
    for (const read of [handled, all.handled])
      await soon(() => KEYS.every((key) => firstOnes(read, key).length === whole.length));
    for (const key of KEYS) {
      expect(firstOnes(all.handled, key)).toEqual(whole);
      expect(firstOnes(handled, key)).toEqual(whole);
    }
    await late.close();
  });

  test("what a reader had not finished when it was killed comes again", async () => {
    await topics.publish(topic, [message("a", "1"), message("a", "2")]);
    let outage = true;
    const { handled } = collect(topics, topic, group, async ({ value }, signal) => {
      if (value === "2" && outage) await waiting(signal);
    });
    await soon(() => handled.length === 1);
    await set.kill();
    await soon(() => lines.some(isOfReader));
    outage = false;
    await set.start();
    await soon(() => values(handled).includes("2"));
    expect(firstOnes(handled, "a")).toEqual([1, 2]);
    await soon(async () => (await topics.lag(topic, group).catch(() => -1)) === 0);
  });

  test("one that answers nothing is found out within a second or so, and nothing waits for it at the end", async () => {
    const { handled } = collect(topics, topic, group);
    await topics.publish(topic, [message("a")]);
    await soon(() => handled.length === 1);
    await set.pause();
    const published = took(topics.publish(topic, [message("a")]));
    const pings = Array.from({ length: 5 }, () => took(topics.ping()));
    // A second, and what a busy machine takes.
    expect(Math.max(...(await Promise.all(pings)))).toBeLessThan(4000);
    await expect(topics.ping()).rejects.toThrow();
    expect(await published).toBeLessThan(PUBLISH_MS);
    expect(await took(topics.close())).toBeLessThan(CLOSE_MS);
    await set.resume();
  });

  test("closing ends what is being published to one that answers nothing, and each of several readers, all at a time", async () => {
    const readers = [topic, fresh("topic"), fresh("topic")].map((name) =>
      collect(topics, name, group, (_, signal) => waiting(signal)),
    );
    for (const { subscription } of readers) expect(subscription.failure).toBeUndefined();
    await topics.publish(topic, [message("a", "before")]);
    await set.pause();
    const published = topics.publish(topic, [message("a", "hangs")]);
    const refused = expect(published).rejects.toThrow("closed");
    expect(await took(topics.close())).toBeLessThan(CLOSE_MS);
    await refused;
    await set.resume();
  });

  test("it is closed soon while it is away", async () => {
    const { handled } = collect(topics, topic, group);
    await soon(() =>
      topics.publish(topic, [message("a")]).then(
        () => true,
        () => false,
      ),
    );
    await soon(() => handled.length >= 1);
    await set.stop();
    expect(await took(topics.close())).toBeLessThan(CLOSE_MS);
    await set.start();
  });
});
