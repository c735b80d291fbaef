import type { KafkaClient } from "../../lib/topics/kafka/client";
import { Outage } from "../../lib/topics/kafka/outage";
import { Publisher } from "../../lib/topics/kafka/publisher";
import { TopicMaker } from "../../lib/topics/kafka/topic-maker";
import type { Message } from "../../lib/topics/topics";
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
});
