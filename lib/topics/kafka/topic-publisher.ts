import { within } from "../../time";
import { unlessAborted } from "../aborting";
import { type Message, MessageTooLarge } from "../topics";
import { chunksOf, sizeOf } from "./chunks";
import { isLeaderless, isTooLarge, isUnknownTopic, type KafkaClient, keyPartitioner, type Producer } from "./client";
import type { Outage } from "./outage";
import type { TopicMaker } from "./topic-maker";

/** Milliseconds from the call on, waiting for others included. */
const PUBLISH_MS = 9000;
const DISCONNECT_MS = 1500;

export interface TopicPublisherOptions {
  topic: string;
  open: () => KafkaClient;
  topics: TopicMaker;
  outage: Outage;
}

interface Connected {
  client: KafkaClient;
  producer: Producer;
  ready: Promise<void>;
}

/** Throws when a publish is over: whoever asked has been told that it failed, and may have gone on. */
type Demand = () => void;

/**
 * One idempotent producer, used for one publish at a time. A producer whose send failed may have its next batch taken for
 * a repetition and dropped in silence: it is thrown away with its connections, so that nothing of it arrives later either.
 */
export class TopicPublisher {
  private readonly part: string;
  private readonly closing = new AbortController();
  private connected: Connected | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: TopicPublisherOptions) {
    this.part = `publishing to ${options.topic}`;
  }

  publish(messages: readonly Message[], asked?: AbortSignal): Promise<void> {
    const deadline = Date.now() + PUBLISH_MS;
    const signal = asked ? AbortSignal.any([this.closing.signal, asked]) : this.closing.signal;
    const published = this.last.then(() => this.tryAgain(messages, deadline, signal));
    this.last = published.catch(() => undefined);
    return unlessAborted(signal, () => published);
  }

  async close(): Promise<void> {
    this.closing.abort(new Error("the topics are closed"));
    await this.last;
    const { connected } = this;
    if (connected) await within(DISCONNECT_MS, () => connected.producer.disconnect()).catch(() => undefined);
    this.discard();
    this.options.outage.forget(this.part);
  }

  /** Until its time is over while a partition has no leader, as after the topic was made; once more without the topic. */
  private async tryAgain(messages: readonly Message[], deadline: number, signal: AbortSignal): Promise<void> {
    const { topic, topics, outage } = this.options;
    if (messages.length === 0) return;
    for (let wasGone = false; ; )
      try {
        await this.tryUntil(messages, deadline, signal);
        return outage.end(this.part);
      } catch (error) {
        if (isLeaderless(error)) continue;
        if (wasGone || !isUnknownTopic(error)) throw error;
        topics.forget(topic);
        wasGone = true;
      }
  }

  private async tryUntil(messages: readonly Message[], deadline: number, signal: AbortSignal): Promise<void> {
    const demand = () => {
      signal.throwIfAborted();
      if (Date.now() >= deadline) throw new Error("Kafka did not answer in time");
    };
    try {
      demand();
      await within(deadline - Date.now(), () => unlessAborted(signal, () => this.send(messages, demand)));
    } catch (error) {
      this.discard();
      const isAnswer = isUnknownTopic(error) || error instanceof MessageTooLarge;
      if (!signal.aborted && !isAnswer) this.options.outage.begin(this.part, error);
      throw error;
    }
  }

  private async send(messages: readonly Message[], demand: Demand): Promise<void> {
    await this.options.topics.ensure(this.options.topic);
    for (const chunk of chunksOf(messages)) await this.sendChunk(chunk, demand);
  }

  private async sendChunk(chunk: readonly Message[], demand: Demand): Promise<void> {
    demand();
    this.connected ??= this.connect();
    const { producer, ready } = this.connected;
    await ready;
    demand();
    const { topic } = this.options;
    try {
      await producer.send({ topic, acks: -1, timeout: 5000, messages: chunk.map(toKafka) });
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      demand();
      this.discard();
      await this.sendParts(chunk, demand);
    }
  }

  /** A topic that others made may take less at once. */
  private async sendParts(chunk: readonly Message[], demand: Demand): Promise<void> {
    const [first, ...more] = chunk;
    if (!first) return;
    if (more.length === 0) throw new MessageTooLarge(this.options.topic, first.key, sizeOf(first));
    const half = Math.ceil(chunk.length / 2);
    for (const part of [chunk.slice(0, half), chunk.slice(half)]) await this.sendChunk(part, demand);
  }

  private connect(): Connected {
    const client = this.options.open();
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
