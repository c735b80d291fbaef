import type { ServiceBroker } from "moleculer";
import type { Gauge } from "prom-client";
import { nodeOf } from "../lib/node";
import type { StatusOfNode } from "./operations.schema";

interface Sample {
  labels: Partial<Record<string, string | number>>;
  value: number;
}

/** What a gauge of this node says now; it is measured when it is asked. */
async function samplesOf(broker: ServiceBroker, name: string): Promise<Sample[]> {
  const gauge = nodeOf(broker).metrics.registry.getSingleMetric(name) as Gauge | undefined;
  return gauge ? (await gauge.get()).values : [];
}

const label = ({ labels }: Sample, name: string): string => String(labels[name] ?? "");

/** How this node is, and what waits of what it looks after: outboxes and groups of consumers, of the whole cluster. */
export async function statusOf(broker: ServiceBroker): Promise<StatusOfNode> {
  const { health } = nodeOf(broker);
  const [{ missing }, waiting, oldest, lag] = await Promise.all([
    health.readiness(),
    samplesOf(broker, "shop_outbox_waiting"),
    samplesOf(broker, "shop_outbox_oldest_seconds"),
    samplesOf(broker, "shop_topic_lag"),
  ]);
  const ages = new Map(oldest.map((sample) => [label(sample, "collection"), sample.value]));
  return {
    id: broker.nodeID,
    state: health.state,
    missing,
    outbox: waiting.map((sample) => ({
      collection: label(sample, "collection"),
      topic: label(sample, "topic"),
      waiting: sample.value,
      oldestSeconds: ages.get(label(sample, "collection")) ?? 0,
    })),
    lag: lag.map((sample) => ({
      group: label(sample, "group"),
      topic: label(sample, "topic"),
      messages: sample.value,
    })),
  };
}
