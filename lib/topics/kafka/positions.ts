import { newId } from "../../ids";
import { within } from "../../time";
import type { Received } from "../topics";
import { type Admin, isUnknownTopic, type KafkaClient, receivedOf } from "./client";

const LOOK_MS = 8000;
const DISCONNECT_MS = 2000;

interface Position {
  partition: number;
  /** The offset of the message that the group is to handle next. */
  next: number;
  /** Before this one all is written. */
  end: number;
}

type Offsets = Iterable<{ partition: number; offset: string }>;

/** From the offsets that `from` says on, of each partition; none where there is no such topic. */
async function positionsFrom(admin: Admin, topic: string, from: () => Promise<Offsets>): Promise<Position[]> {
  try {
    const written = await admin.fetchTopicOffsets(topic);
    const offsets = new Map(Array.from(await from(), ({ partition, offset }) => [partition, Number(offset)]));
    return written.map(({ partition, low, high }) => ({
      partition,
      // A group that saved nothing has a negative one; what was saved may be older than what is left.
      next: Math.max(offsets.get(partition) ?? 0, Number(low)),
      end: Number(high),
    }));
  } catch (error) {
    if (isUnknownTopic(error)) return [];
    throw error;
  }
}

/** Where a group is in each partition; none where there is no such topic. */
export const positionsOf = (admin: Admin, topic: string, group: string): Promise<Position[]> =>
  positionsFrom(admin, topic, async () => {
    const [saved] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
    return saved?.partitions ?? [];
  });

/** What was written from a time on, in milliseconds, of each partition; none where there is no such topic. */
export const positionsSince = (admin: Admin, topic: string, since: number): Promise<Position[]> =>
  positionsFrom(admin, topic, () => admin.fetchTopicOffsetsByTimestamp(topic, since));

interface Look {
  /** As Kafka knows it, and as it is called here. */
  names: { topic: string; plain: string };
  positions: readonly Position[];
  limit: number;
}

/** The oldest messages from these positions on, by a consumer of its own that saves nothing. */
export async function lookAt(client: KafkaClient, { names, positions, limit }: Look): Promise<Received[]> {
  const unread = new Map(positions.filter(({ next, end }) => next < end).map((one) => [one.partition, one]));
  if (unread.size === 0 || limit <= 0) return [];
  const found: { at: number; received: Received }[] = [];
  const consumer = client.kafka.consumer({ groupId: `${names.topic}.peek-${newId()}`, maxWaitTimeInMs: 100 });
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  try {
    await within(LOOK_MS, async () => {
      await consumer.connect();
      await consumer.subscribe({ topics: [names.topic], fromBeginning: true });
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      const running = consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          const position = unread.get(batch.partition);
          if (!position) return;
          for (const message of batch.messages) {
            const received = receivedOf(names.plain, batch.partition, message);
            if (received.offset >= position.next && received.offset < position.end)
              found.push({ at: Number(message.timestamp), received });
          }
          position.next = Number(batch.lastOffset()) + 1;
          if (position.next >= position.end || found.length >= limit) unread.delete(batch.partition);
          if (unread.size === 0) resolve();
        },
      });
      for (const { partition, next } of positions)
        consumer.seek({ topic: names.topic, partition, offset: String(next) });
      await Promise.all([running, done]);
    });
  } finally {
    await within(DISCONNECT_MS, () => consumer.disconnect()).catch(() => undefined);
    client.destroy();
  }
  found.sort((a, b) => a.at - b.at || a.received.offset - b.received.offset);
  return found.slice(0, limit).map(({ received }) => received);
}

/** Saves a group's position, for which it is joined: Kafka takes it from members only. */
export async function savePosition(
  client: KafkaClient,
  names: { topic: string; group: string },
  { partition, next }: Pick<Position, "partition" | "next">,
): Promise<void> {
  const { topic, group } = names;
  const consumer = client.kafka.consumer({ groupId: group, maxWaitTimeInMs: 100 });
  try {
    await within(LOOK_MS, async () => {
      await consumer.connect();
      const { members } = await consumer.describeGroup();
      if (members.length > 0) throw new Error(`${group} is being read with`);
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      const running = consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        eachBatch: async () => undefined,
      });
      consumer.pause([{ topic }]);
      await running;
      await consumer.commitOffsets([{ topic, partition, offset: String(next) }]);
    });
  } finally {
    await within(DISCONNECT_MS, () => consumer.disconnect()).catch(() => undefined);
    client.destroy();
  }
}
