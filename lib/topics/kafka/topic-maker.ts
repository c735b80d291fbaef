import { isDeadLetters, type TopicOptions } from "../topics";
import type { Admin } from "./client";

/** Bytes of one message, so that an event of 1 MiB fits with what stands around it; its letter has headers more. */
const MESSAGE_BYTES = 1.25 * 1024 * 1024;
const LETTER_BYTES = MESSAGE_BYTES + 64 * 1024;

/** Makes topics at their first use; those that are there stay as they are. */
export class TopicMaker {
  private readonly ensured = new Map<string, Promise<void>>();

  constructor(
    private readonly options: TopicOptions,
    private readonly withAdmin: <T>(use: (admin: Admin) => Promise<T>) => Promise<T>,
  ) {}

  /** Resolves when the topic is there; asks once in a process. */
  ensure(topic: string): Promise<void> {
    const begun = this.ensured.get(topic);
    if (begun) return begun;
    const ensured = this.withAdmin((admin) => this.make(admin, topic));
    this.ensured.set(topic, ensured);
    ensured.catch(() => this.forget(topic));
    return ensured;
  }

  /** It is not there any more. */
  forget(topic: string): void {
    this.ensured.delete(topic);
  }

  private async make(admin: Admin, topic: string): Promise<void> {
    // Looked for first, as one who may not make topics may still use them.
    if ((await admin.listTopics()).includes(topic)) return;
    const { partitions, replication, retentionMs } = this.options;
    const letters = isDeadLetters(topic);
    const retention = { name: "retention.ms", value: String(letters ? 4 * retentionMs : retentionMs) };
    const largest = { name: "max.message.bytes", value: String(letters ? LETTER_BYTES : MESSAGE_BYTES) };
    // Kafka unpacks what others send compressed: the client library knows gzip only, and could not read the rest.
    const plain = { name: "compression.type", value: "uncompressed" };
    const inSync = replication >= 3 ? [{ name: "min.insync.replicas", value: "2" }] : [];
    // That another node has made it meanwhile is no error here.
    await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: letters ? 1 : partitions,
          replicationFactor: replication,
          configEntries: [retention, largest, plain, ...inSync],
        },
      ],
    });
  }
}
