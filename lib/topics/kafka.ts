import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { within } from "../time";
import { type Admin, type ClientOptions, isPassing, type KafkaClient, openClient, partitionOf } from "./kafka/client";
import { Outage } from "./kafka/outage";
import { lookAt, positionsOf, positionsSince, savePosition } from "./kafka/positions";
import { Publisher } from "./kafka/publisher";
import { KafkaSubscription } from "./kafka/subscription";
import { TopicMaker } from "./kafka/topic-maker";
import type { Message, Reader, Received, Subscription, TopicOptions, Topics } from "./topics";

/** Whose topics and groups have their plain names. */
const PLAIN_NAMESPACE = "shop";
const ADMIN_MS = 6000;
const ADMIN_TRIES = 5;
const ADMIN_PAUSE_MS = 200;
const PING_MS = 1000;

export interface KafkaTopicsOptions extends TopicOptions {
  /** `host:port` of some brokers of the cluster. */
  brokers: string[];
  /** Shops that share a cluster are told apart by it. */
  namespace: string;
  logger: ServiceBroker["logger"];
}

/** Topics in Kafka. It is looked for at the first use, and again for as long as it is away. */
export class KafkaTopics implements Topics {
  private readonly outage: Outage;
  private readonly maker: TopicMaker;
  private readonly publisher: Publisher;
  private readonly subscriptions = new Set<KafkaSubscription>();
  private probe: Promise<void> | undefined;

  constructor(private readonly options: KafkaTopicsOptions) {
    this.outage = new Outage(options.logger);
    this.maker = new TopicMaker(options, (use) => this.withAdmin(use));
    const retry = { retries: 4, initialRetryTime: 100, maxRetryTime: 800 };
    this.publisher = new Publisher(() => this.open({ requestMs: 5000, retry }), this.maker, this.outage);
  }

  publish(topic: string, messages: Message[], signal?: AbortSignal): Promise<void> {
    return this.publisher.publish(this.nameOf(topic), messages, signal);
  }

  subscribe(reader: Reader): Subscription {
    const retry = { retries: 5, initialRetryTime: 100, maxRetryTime: 1000 };
    const subscription = new KafkaSubscription({
      reader,
      names: this.namesOf(reader),
      logger: this.options.logger,
      open: () => this.open({ requestMs: 10_000, retry }),
      ensure: (topic) => this.maker.ensure(topic),
      outage: this.outage,
    });
    this.subscriptions.add(subscription);
    return {
      get failure() {
        return subscription.failure;
      },
      close: async () => {
        await subscription.close();
        this.subscriptions.delete(subscription);
      },
    };
  }

  async peek(topic: string, group: string, limit: number): Promise<Received[]> {
    const names = { topic: this.nameOf(topic), plain: topic };
    const positions = await this.positionsOf(topic, group);
    return lookAt(this.openForAdmin(), { names, positions, limit });
  }

  async ofKey(topic: string, key: string, since: string, limit: number): Promise<Received[]> {
    const names = { topic: this.nameOf(topic), plain: topic };
    const all = await this.withAdmin((admin) => positionsSince(admin, names.topic, Date.parse(since)));
    if (all.length === 0) return [];
    const partition = partitionOf(names.topic, key, all.length);
    const positions = all.filter((position) => position.partition === partition);
    const found = await lookAt(this.openForAdmin(), { names, positions, limit });
    return found.filter((message) => message.key === key);
  }

  async movePast(group: string, { topic, partition, offset }: Pick<Received, "topic" | "partition" | "offset">) {
    const position = (await this.positionsOf(topic, group)).find((one) => one.partition === partition);
    if (!position || offset >= position.end) throw new Error(`${topic} has no message ${offset} in ${partition}`);
    if (offset < position.next) return;
    const names = this.namesOf({ topic, group });
    await savePosition(this.openForAdmin(), names, { partition, next: offset + 1 });
  }

  async lag(topic: string, group: string): Promise<number> {
    const positions = await this.positionsOf(topic, group);
    return positions.reduce((sum, { next, end }) => sum + Math.max(end - next, 0), 0);
  }

  ping(): Promise<void> {
    this.probe ??= this.ask().finally(() => {
      this.probe = undefined;
    });
    return this.probe;
  }

  async close(): Promise<void> {
    await Promise.all([this.publisher.close(), ...[...this.subscriptions].map((one) => one.close())]);
    this.subscriptions.clear();
  }

  private async ask(): Promise<void> {
    const client = this.open({ requestMs: PING_MS, connectMs: PING_MS, retry: { retries: 0 } });
    try {
      const { brokers } = await within(PING_MS, () => client.kafka.admin().describeCluster());
      if (brokers.length === 0) throw new Error("no broker is there");
    } finally {
      client.destroy();
    }
  }

  private positionsOf(topic: string, group: string) {
    const names = this.namesOf({ topic, group });
    return this.withAdmin((admin) => positionsOf(admin, names.topic, names.group));
  }

  private async withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const client = this.openForAdmin();
    const admin = client.kafka.admin();
    try {
      return await within(ADMIN_MS, async () => {
        await admin.connect();
        for (let tries = 1; ; tries++)
          try {
            return await use(admin);
          } catch (error) {
            if (tries === ADMIN_TRIES || !isPassing(error)) throw error;
            await delay(ADMIN_PAUSE_MS);
          }
      });
    } finally {
      client.destroy();
    }
  }

  private openForAdmin(): KafkaClient {
    return this.open({ requestMs: 4000, retry: { retries: 3, initialRetryTime: 100, maxRetryTime: 500 } });
  }

  private open(options: Pick<ClientOptions, "requestMs" | "connectMs" | "retry">): KafkaClient {
    const { brokers, logger } = this.options;
    return openClient({ brokers, logger, ...options });
  }

  /** A group has one for each topic: Kafka shares out only the topics of one member among all members of a group. */
  private namesOf({ topic, group }: Pick<Reader, "topic" | "group">) {
    return { topic: this.nameOf(topic), group: this.nameOf(`${group}.${topic}`) };
  }

  private nameOf(name: string): string {
    const { namespace } = this.options;
    return namespace === PLAIN_NAMESPACE ? name : `${namespace}.${name}`;
  }
}
