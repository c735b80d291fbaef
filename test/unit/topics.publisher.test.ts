import type { KafkaClient } from "../../lib/topics/kafka/client";
import { Outage } from "../../lib/topics/kafka/outage";
import { Publisher } from "../../lib/topics/kafka/publisher";
import { TopicMaker } from "../../lib/topics/kafka/topic-maker";
import type { Message } from "../../lib/topics/topics";
import { eventually } from "../integration/node";
import { silent } from "../integration/topics.parts";

type Send = (values: string[]) => Promise<void>;

/** A publisher whose producers do what the test says, and what became of them. */
function publisherWith(send: Send) {
  const sent: { producer: number; values: string[] }[] = [];
  const destroyed: number[] = [];
  let opened = 0;
  const open = () => {
    opened += 1;
    const producer = opened;
    return {
      kafka: {
        producer: () => ({
          connect: async () => undefined,
          disconnect: async () => undefined,
          send: async ({ messages }: { messages: Message[] }) => {
            const values = messages.map(({ value }) => value);
            sent.push({ producer, values });
            await send(values);
          },
        }),
      },
      destroy: () => void destroyed.push(producer),
    } as unknown as KafkaClient;
  };
  const options = { partitions: 1, replication: 1, retentionMs: 1000 };
  const maker = new TopicMaker(options, async () => undefined as never);
  const publisher = new Publisher(open, maker, new Outage(silent));
  const publish = (...values: string[]) =>
    publisher.publish(
      "topic",
      values.map((value) => ({ key: "key", value, headers: {} })),
    );
  return { publisher, publish, sent, destroyed };
}

describe("the publisher", () => {
  test("uses no producer again whose send has failed, and cuts its connections", async () => {
    let failing = true;
    const { publish, sent, destroyed } = publisherWith(async () => {
      if (failing) throw new Error("the acknowledgement is lost");
    });
    await expect(publish("1")).rejects.toThrow("lost");
    failing = false;
    await publish("2");
    await publish("3");
    expect(sent.map(({ producer }) => producer)).toEqual([1, 2, 2]);
    expect(destroyed).toEqual([1]);
  });

  test("sends one publish at a time, each in one send", async () => {
    let running = 0;
    const { publish, sent } = publisherWith(async () => {
      running += 1;
      await new Promise(setImmediate);
      expect(running).toBe(1);
      running -= 1;
    });
    await Promise.all([publish("1", "2"), publish("3"), publish("4", "5", "6")]);
    expect(sent.map(({ values }) => values)).toEqual([["1", "2"], ["3"], ["4", "5", "6"]]);
  });

  test("refuses what waits too long, also behind others, and sends none of that later", async () => {
    jest.useFakeTimers({ doNotFake: ["setImmediate"] });
    try {
      const { publish, sent, destroyed } = publisherWith(() => new Promise(() => undefined));
      const refused = Promise.allSettled([publish("1"), publish("2"), publish("3")]);
      await jest.advanceTimersByTimeAsync(10_000);
      expect((await refused).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      expect(destroyed).toContain(1);
      expect(sent.map(({ values }) => values)).toEqual([["1"]]);
    } finally {
      jest.useRealTimers();
    }
  });

  test("sends much in parts, one after the other, and no more of them when one has failed", async () => {
    const half = "x".repeat(300_000);
    const { publish, sent } = publisherWith(async (values) => {
      if (values.includes("c")) throw new Error("the third is lost");
    });
    await expect(publish("a", half, "b", half, "c", half, "d", half)).rejects.toThrow("lost");
    expect(sent.map(({ values }) => values.map((value) => value[0]))).toEqual([
      ["a", "x", "b"],
      ["x", "c"],
    ]);
  });

  test("gives up at once what is ended from outside, sent or waiting, and goes on with what is not", async () => {
    let hanging = true;
    const { publisher, publish, sent } = publisherWith(async () => {
      if (hanging) await new Promise(() => undefined);
    });
    const ending = new AbortController();
    const of = (value: string) => [{ key: "key", value, headers: {} }];
    const ended = Promise.allSettled(["1", "2"].map((value) => publisher.publish("topic", of(value), ending.signal)));
    const other = publish("3");
    await eventually(() => sent.length === 1);
    hanging = false;
    ending.abort(new Error("ended"));
    expect((await ended).map((outcome) => outcome.status === "rejected" && String(outcome.reason))).toEqual([
      "Error: ended",
      "Error: ended",
    ]);
    await other;
    expect(sent.map(({ values }) => values)).toEqual([["1"], ["3"]]);
  });

  test("rejects what is being published when it is closed, and whatever comes then", async () => {
    const { publisher, publish, sent, destroyed } = publisherWith(() => new Promise(() => undefined));
    const refused = Promise.allSettled([publish("1"), publish("2")]);
    await eventually(() => sent.length === 1);
    await publisher.close();
    expect((await refused).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await expect(publish("3")).rejects.toThrow("closed");
    expect([sent.length, destroyed]).toEqual([1, [1]]);
  });

  test("lets no topic wait for another", async () => {
    const { publisher, publish, sent } = publisherWith(async ([value]) => {
      if (value === "hangs") await new Promise(() => undefined);
    });
    const refused = expect(publish("hangs")).rejects.toThrow("closed");
    await publisher.publish("another topic", [{ key: "key", value: "goes", headers: {} }]);
    expect(sent.map(({ producer, values }) => [producer, ...values])).toEqual([
      [1, "hangs"],
      [2, "goes"],
    ]);
    await publisher.close();
    await refused;
  });
});
