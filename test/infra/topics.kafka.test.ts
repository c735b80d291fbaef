import { setTimeout } from "node:timers/promises";
import { deadLetter } from "../../lib/topics/dead-letters";
import { assignerWith } from "../../lib/topics/kafka/client";
import { deadLettersOf, MessageTooLarge, type Topics } from "../../lib/topics/topics";
import { collect, fresh, keys, message, soon, topicsContract, values, waiting } from "../integration/topics.contract";
import { kafkaProxy } from "./kafka-proxy";
import { withServers } from "./servers";
import { bareClient, HOUR_MS, kafkaTopics } from "./topics.kafka.parts";

withServers(["kafka"], "Kafka as the topics", ({ KAFKA_BROKERS: brokers = "", NAMESPACE: namespace = "" }) =>
  topicsContract(() => kafkaTopics(brokers, namespace)),
);

withServers(["kafka"], "topics in Kafka", ({ KAFKA_BROKERS: brokers = "", NAMESPACE: namespace = "" }) => {
  jest.setTimeout(90_000);
  const opened: Topics[] = [];
  const open = (more = {}) => {
    const topics = kafkaTopics(brokers, namespace, more);
    opened.push(topics);
    return topics;
  };
  const bare = bareClient(brokers);
  const admin = bare.kafka.admin();
  let topic: string;
  let group: string;
  beforeAll(() => admin.connect());
  beforeEach(() => {
    topic = fresh("topic");
    group = fresh("group");
  });
  afterEach(() => Promise.all(opened.splice(0).map((topics) => topics.close())));
  afterAll(async () => {
    await admin.disconnect();
    bare.destroy();
  });

  const settingsOf = async (name: string) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      // 2 is a topic.
      resources: [{ type: 2, name, configNames: ["retention.ms"] }],
    });
    const retention = resources[0]?.configEntries.find(({ configName }) => configName === "retention.ms");
    return { partitions: topics[0]?.partitions.length, retentionMs: Number(retention?.configValue) };
  };

  test("topics are made as asked, dead letters in one partition and for four times as long, others are left", async () => {
    const settings = { partitions: 3, retentionMs: HOUR_MS };
    const topics = open(settings);
    await topics.publish(topic, [message("a")]);
    await topics.publish(deadLettersOf(topic), [message("a")]);
    expect(await settingsOf(`${namespace}.${topic}`)).toEqual(settings);
    const letters = `${namespace}.${deadLettersOf(topic)}`;
    expect(await settingsOf(letters)).toEqual({ partitions: 1, retentionMs: 4 * HOUR_MS });
    const other = open({ partitions: 8, retentionMs: 2 * HOUR_MS });
    await other.publish(topic, [message("a")]);
    expect(await settingsOf(`${namespace}.${topic}`)).toEqual(settings);
    expect(await other.lag(topic, group)).toBe(2);
  });

  test("many nodes that make a topic at once all have it", async () => {
    const nodes = Array.from({ length: 6 }, () => open());
    await Promise.all(nodes.map((node, n) => node.publish(topic, [message(`${n}`)])));
    const { handled } = collect(open(), topic, group);
    await soon(() => handled.length === 6);
  });

  test("a topic that was deleted is made again", async () => {
    const topics = open();
    await topics.publish(topic, [message("a", "before")]);
    await admin.deleteTopics({ topics: [`${namespace}.${topic}`] });
    await topics.publish(topic, [message("a", "after")]);
    expect(values(await topics.peek(topic, group, 10))).toEqual(["after"]);
  });

  test("a publish waits for a partition's leader, longer than the library does by itself", async () => {
    const proxy = await kafkaProxy(brokers);
    const topics = kafkaTopics(proxy.broker, namespace);
    proxy.lead(false);
    const published = topics.publish(topic, [message("a", "1")]);
    // The library gives up after its fifth try.
    await soon(() => proxy.refused > 6);
    proxy.lead(true);
    await published;
    await topics.publish(topic, [message("a", "2")]);
    expect([...new Set(values(await open().peek(topic, group, 100)))]).toEqual(["1", "2"]);
    proxy.lead(false);
    const hopeless = expect(topics.publish(topic, [message("a", "3")])).rejects.toThrow("closed");
    await topics.close();
    await hopeless;
    await proxy.close();
  });

  test("a publish may be larger than what Kafka takes at once, and stays in order", async () => {
    const topics = open();
    const { handled } = collect(topics, topic, group);
    const filler = "x".repeat(100_000);
    const large = Array.from({ length: 30 }, (_, n) => message("a", `${n} ${filler}`));
    await topics.publish(topic, large);
    const small = Array.from({ length: 30_000 }, (_, n) => message("a", `${n}`, { of: "the small ones" }));
    await topics.publish(topic, small);
    await soon(() => handled.length === 30_030);
    expect(values(handled)).toEqual(values([...large, ...small]));
  });

  test("an event of 1 MiB fits, also among the dead letters; what never will is told apart, and holds up nothing", async () => {
    const topics = open();
    const { handled } = collect(topics, topic, group);
    const large = message("a", "x".repeat(1024 * 1024), { of: "header ".repeat(1000) });
    await topics.publish(topic, [large]);
    const [received] = await soon(() => handled.length === 1 && handled);
    if (received)
      await topics.publish(deadLettersOf(topic), [deadLetter(received, { group, attempts: 1, error: "no" })]);
    const never = topics.publish(topic, [message("a", "before"), message("b", "x".repeat(2_000_000))]);
    await expect(never).rejects.toThrow(MessageTooLarge);
    await topics.publish(topic, [message("a", "after")]);
    await soon(() => values(handled).includes("after"));
    expect(values(handled.slice(1))).toEqual(["before", "after"]);
  });

  test("a topic that takes less at once than one send gets it in parts", async () => {
    const configEntries = [{ name: "max.message.bytes", value: "50000" }];
    await admin.createTopics({ topics: [{ topic: `${namespace}.${topic}`, numPartitions: 1, configEntries }] });
    const topics = open();
    const published = Array.from({ length: 20 }, (_, n) => message("a", `${n} ${"x".repeat(20_000)}`));
    await topics.publish(topic, published);
    expect(values(await topics.peek(topic, group, 100))).toEqual(values(published));
  });

  test("readers of one group share the partitions; what one leaves unfinished comes to the other", async () => {
    const publisher = open();
    const nodes = [open(), open()] as const;
    const published = Array.from({ length: 30 }, (_, n) => message(`key ${n}`));
    await publisher.publish(topic, published);
    const running = nodes.map(() => new Set<string>());
    let alone = false;
    const [left, right] = nodes.map((node, n) =>
      collect(node, topic, group, async ({ key }, signal) => {
        running[n]?.add(key);
        if (!alone || n === 0) await waiting(signal).finally(() => running[n]?.delete(key));
      }),
    );
    await soon(() => running.every(({ size }) => size > 0) && running.reduce((sum, { size }) => sum + size, 0) === 30);
    alone = true;
    await left?.subscription.close();
    await soon(() => new Set(keys(right?.handled ?? [])).size === 30);
    expect(left?.handled).toEqual([]);
    await soon(async () => (await publisher.lag(topic, group)) === 0);
  });

  test("a reader handles 64 at once, whatever partitions they are of", async () => {
    const topics = open();
    await topics.publish(
      topic,
      Array.from({ length: 2000 }, (_, n) => message(`key ${n}`)),
    );
    let running = 0;
    let most = 0;
    const { handled } = collect(topics, topic, group, async () => {
      running += 1;
      most = Math.max(most, running);
      await setTimeout(10);
      running -= 1;
    });
    await soon(() => new Set(keys(handled)).size === 2000);
    expect(most).toBe(64);
    expect(new Set(handled.map(({ partition }) => partition)).size).toBe(6);
  });

  test("a handler may take longer than a session; its key waits, others go on, nothing is repeated", async () => {
    const topics = open();
    await topics.publish(topic, [message("slow", "1"), message("slow", "2")]);
    let begun = 0;
    const { handled } = collect(topics, topic, group, async ({ key, value }, signal) => {
      if (key !== "slow") return;
      begun += 1;
      if (value === "1") await setTimeout(13_000, undefined, { signal });
    });
    await soon(() => begun === 1);
    for (let n = 0; n < 40; n++) {
      await topics.publish(topic, [message(`quick ${n}`)]);
      await soon(() => handled.length === n + 1);
    }
    expect(keys(handled)).not.toContain("slow");
    await soon(() => handled.length === 42);
    expect(values(handled.slice(-2))).toEqual(["1", "2"]);
    expect(begun).toBe(2);
  });

  test("a reader that its group refuses says so, and others read on", async () => {
    const topics = open();
    await topics.publish(topic, [message("a")]);
    const groupId = `${namespace}.${group}.${topic}`;
    const stranger = bare.kafka.consumer({
      groupId,
      partitionAssigners: [
        (config) => ({
          ...assignerWith({ groupId, before: async () => undefined, predecessor: undefined })(config),
          name: "another way to share",
        }),
      ],
    });
    await stranger.connect();
    await stranger.subscribe({ topics: [`${namespace}.${topic}`] });
    await stranger.run({ eachMessage: async () => undefined });
    const refused = collect(topics, topic, group);
    const failure = await soon(() => refused.subscription.failure);
    expect(failure.message).toMatch(/protocol/);
    const { handled, subscription } = collect(topics, topic, fresh("group"));
    await soon(() => handled.length === 1);
    expect(subscription.failure).toBeUndefined();
    await expect(topics.movePast(group, { topic, partition: 0, offset: 0 })).rejects.toThrow();
    await stranger.disconnect();
  });

  test("what is no text, or nothing, goes to the dead letters as it was", async () => {
    const topics = open();
    await topics.publish(topic, [message("k", "made by its first use")]);
    const producer = bare.kafka.producer();
    await producer.connect();
    const value = Buffer.from([0xff, 0x00, 0xfe, 0x80]);
    const name = `${namespace}.${topic}`;
    await producer.send({
      topic: name,
      messages: [
        { key: null, value },
        { key: Buffer.from([0xc3]), value: null },
      ],
    });
    await producer.disconnect();
    const strange = await soon(async () => {
      const found = (await topics.peek(topic, group, 10)).filter(({ bytes }) => bytes);
      return found.length === 2 && found;
    });
    await topics.publish(
      deadLettersOf(topic),
      strange.map((received) => deadLetter(received, { group, attempts: 1, error: "no text" })),
    );
    const letters = await soon(async () => {
      const found = await topics.peek(deadLettersOf(topic), group, 10);
      return found.length === 2 && found;
    });
    expect(letters.map(({ bytes }) => bytes)).toEqual(
      expect.arrayContaining([
        { key: null, value },
        { key: Buffer.from([0xc3]), value: null },
      ]),
    );
  });
});
