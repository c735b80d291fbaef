import type { ServiceBroker } from "moleculer";
import type { Sample } from "../lib/measured-gauge";
import { nodeOf } from "../lib/node";
import type { StatusOfNode } from "./operations.schema";

const label = ({ labels }: Sample, name: string): string => labels[name] ?? "";

/** How this node is, and what waits of what it looks after: outboxes and groups of consumers, of the whole cluster. */
export async function statusOf(broker: ServiceBroker): Promise<StatusOfNode> {
  const { health, metrics } = nodeOf(broker);
  const [{ missing }, waiting, oldest, lag] = await Promise.all([
    health.readiness(),
    metrics.outboxWaiting.samples(),
    metrics.outboxOldest.samples(),
    metrics.topicLag.samples(),
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
