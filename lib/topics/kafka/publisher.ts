import { within } from "../../time";
import type { Message } from "../topics";
import { isUnknownTopic, type KafkaClient, keyPartitioner, type Producer } from "./client";
import type { Outage } from "./outage";
import type { TopicMaker } from "./topic-maker";

/** Milliseconds from the call on, waiting for others included. */
const PUBLISH_MS = 9000;
const CLOSE_MS = 2000;
const PART = "publishing";

interface Connected {
  client: KafkaClient;
  producer: Producer;
  ready: Promise<void>;
}

/**
 * One idempotent producer, used for one publish at a time. A producer whose send failed may have its next batch taken for
 * a repetition and dropped in silence: it is thrown away with its connections, so that nothing of it arrives later either.
 */
export class Publisher {
  private connected: Connected | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly open: () => KafkaClient,
    private readonly topics: TopicMaker,
    private readonly outage: Outage,
  ) {}

  publish(topic: string, messages: readonly Message[]): Promise<void> {
    const deadline = Date.now() + PUBLISH_MS;
    const published = this.last.then(() => this.tryTwice(topic, messages, deadline));
    this.last = published.catch(() => undefined);
    return published;
  }

  async close(): Promise<void> {
    this.closed = true;
    await within(CLOSE_MS, () => this.last).catch(() => undefined);
    const { connected } = this;
    if (connected) await within(CLOSE_MS, () => connected.producer.disconnect()).catch(() => undefined);
    this.discard();
    this.outage.forget(PART);
  }

  private async tryTwice(topic: string, messages: readonly Message[], deadline: number): Promise<void> {
    if (messages.length === 0) return;
    try {
      await this.tryUntil(topic, messages, deadline);
    } catch (error) {
      if (!isUnknownTopic(error)) throw error;
      this.topics.forget(topic);
      await this.tryUntil(topic, messages, deadline);
    }
    this.outage.end(PART);
  }

  private async tryUntil(topic: string, messages: readonly Message[], deadline: number): Promise<void> {
    if (this.closed) throw new Error("the topics are closed");
    try {
      demandTime(deadline);
      await within(deadline - Date.now(), () => this.send(topic, messages, deadline));
    } catch (error) {
      this.discard();
      if (!this.closed && !isUnknownTopic(error)) this.outage.begin(PART, error);
      throw error;
    }
  }

  private async send(topic: string, messages: readonly Message[], deadline: number): Promise<void> {
    await this.topics.ensure(topic);
    // Whoever asked has been told by then that it failed, and may have gone on.
    demandTime(deadline);
    this.connected ??= this.connect();
    const { producer, ready } = this.connected;
    await ready;
    demandTime(deadline);
    await producer.send({ topic, acks: -1, timeout: 5000, messages: messages.map(toKafka) });
  }

  private connect(): Connected {
    const client = this.open();
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: keyPartitioner,
    });
    return { client, producer, ready: producer.connect() };
  }

  private discard(): void {
    this.connected?.client.destroy();
    this.connected = undefined;
  }
}

const toKafka = ({ key, value, headers, bytes }: Message) => ({ key, value, ...bytes, headers });

function demandTime(deadline: number): void {
  if (Date.now() >= deadline) throw new Error("Kafka did not answer in time");
}
