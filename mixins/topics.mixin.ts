import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { Fact } from "../lib/events";
import { nodeOf } from "../lib/node";
import { handling } from "../lib/topics/handling";
import type { Subscription } from "../lib/topics/topics";
import { asCode } from "../lib/tracing/span";

export interface TopicConsumer {
  /** Each event goes to one node of each group. */
  group: string;
  /**
   * Called at least once for each event, in order per key. Types that it does not know it lets pass. `signal` aborts after
   * 10 s and when the service stops; a try that goes on all the same is given up later and may still finish, beside the next
   * one or on another node, so that its effect has to be once.
   */
  handler: (event: Fact, signal: AbortSignal) => Promise<unknown>;
  /** Rejects while something is away that the handler cannot do without, so that no try counts against an event. */
  needs?: () => Promise<void>;
}

/** What a service reads from topics, declared beside its actions and events. */
export type TopicConsumers = Record<string, TopicConsumer>;

declare module "moleculer" {
  interface ServiceSchema {
    topics?: TopicConsumers;
  }
}

async function isThere(needs: TopicConsumer["needs"]): Promise<boolean> {
  try {
    await needs?.();
    return true;
  } catch {
    return false;
  }
}

/** Reads the topics that a service declares under `topics`, from its start to its stop. */
export function topicsMixin(broker: ServiceBroker): Partial<ServiceSchema> {
  const { topics, metrics, health, tracer, environment } = nodeOf(broker);
  const remote = environment.kafkaBrokers.length > 0 ? "kafka" : "event-log";
  const subscriptions: Subscription[] = [];
  const ends: (() => void)[] = [];

  function consume({ logger, name }: Service, topic: string, { group, handler, needs }: TopicConsumer): void {
    const labels = { topic, group };
    const handle = handling({
      topic,
      group,
      // Whatever type comes: a consumer tells by it what it knows.
      handler: (event, signal) => handler(event as Fact, signal),
      around(event, { partition, offset }, attempt) {
        const position = { partition: String(partition), offset: String(offset), node: broker.nodeID };
        const tags = { ...labels, ...position, "event.type": asCode(event.type, "unknown") };
        return tracer.run({ name: `handle ${topic}`, service: name, kind: "CONSUMER", remote, tags }, attempt);
      },
      publish: (to, messages, signal) => topics.publish(to, messages, signal),
      isAble: async () => (await health.hasRequired()) && (await isThere(needs)),
      report: {
        handled: () => metrics.topicHandled.inc({ ...labels, outcome: "ok" }),
        retried({ id, type, subject }, error) {
          metrics.topicRetries.inc(labels);
          logger.warn({ err: error, id, type, subject, ...labels }, "an event will be tried again");
        },
        buried({ partition, offset, key }, error) {
          metrics.topicHandled.inc({ ...labels, outcome: "dead" });
          logger.error({ err: error, ...labels, partition, offset, key }, "an event went to the dead letters");
        },
        unburied: (error) => logger.warn({ err: error, ...labels }, "a dead letter has to wait"),
      },
    });
    const subscription = topics.subscribe({ topic, group, handle });
    subscriptions.push(subscription);
    ends.push(
      health.watch(`${topic} for ${group}`, () => subscription.failure === undefined),
      metrics.topicLag.measure(labels, () => topics.lag(topic, group)),
    );
  }

  return {
    started(this: Service) {
      const consumers: TopicConsumers = this.schema.topics ?? {};
      for (const [topic, consumer] of Object.entries(consumers)) consume(this, topic, consumer);
    },
    async stopped() {
      for (const end of ends.splice(0)) end();
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.close()));
    },
  };
}
