import { setTimeout } from "node:timers/promises";
import { KafkaTopics, type KafkaTopicsOptions } from "../../lib/topics/kafka";
import { openClient } from "../../lib/topics/kafka/client";
import type { Topics } from "../../lib/topics/topics";
import { message } from "../integration/topics.contract";
import { silent } from "../integration/topics.parts";

export const HOUR_MS = 3_600_000;

export function kafkaTopics(brokers: string, namespace: string, more: Partial<KafkaTopicsOptions> = {}): KafkaTopics {
  const options = { partitions: 6, replication: 1, retentionMs: HOUR_MS, logger: silent, ...more };
  return new KafkaTopics({ ...options, brokers: brokers.split(","), namespace });
}

/** The library itself, for what only an operator or another program would do. */
export function bareClient(brokers: string) {
  return openClient({ brokers: brokers.split(","), logger: silent, requestMs: 10_000, retry: { retries: 5 } });
}

/** Publishes 0, 1, 2 ... for each key, each one again until it is acknowledged, as an outbox does. */
export function numbersTo(topics: Topics, topic: string, keys: readonly string[]) {
  let stopping = false;
  const stream = {
    acknowledged: 0,
    failed: 0,
    stop: async () => {
      stopping = true;
      await ended;
    },
  };
  const publish = async (n: number) => {
    const batch = keys.map((key) => message(key, `${n}`));
    for (;;) {
      try {
        return await topics.publish(topic, batch);
      } catch {
        stream.failed += 1;
        await setTimeout(20);
      }
    }
  };
  const run = async () => {
    while (!stopping) {
      await publish(stream.acknowledged);
      stream.acknowledged += 1;
    }
  };
  const ended = run();
  return stream;
}

/** Of one key, without those that came again: a repetition may be anywhere behind the first. */
export function firstOnes(received: readonly { key: string; value: string }[], key: string): number[] {
  return [...new Set(received.filter((one) => one.key === key).map(({ value }) => Number(value)))];
}

export const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);
