import type { ServiceBroker } from "moleculer";
import type { NodeConfig } from "./config/node-config";
import type { Environment } from "./environment";
import type { Health } from "./health";
import type { Metrics } from "./metrics";
import type { Resilience } from "./resilience";
import type { Store } from "./store/collection";
import type { Topics } from "./topics/topics";
import type { Tracer } from "./tracing/tracer";

/** What a node gives to the services that it hosts. */
export interface ShopNode {
  environment: Environment;
  /** Values that change while the node runs: read them where they are used, never keep them. */
  config: NodeConfig;
  store: Store;
  topics: Topics;
  health: Health;
  resilience: Resilience;
  metrics: Metrics;
  tracer: Tracer;
}

const nodes = new WeakMap<ServiceBroker, ShopNode>();

export const attachNode = (broker: ServiceBroker, node: ShopNode) => nodes.set(broker, node);

/** The node that a broker runs as; services take their values from here, never from the process environment. */
export function nodeOf(broker: ServiceBroker): ShopNode {
  const node = nodes.get(broker);
  if (!node) throw new Error("this broker was not made from moleculer.config.ts");
  return node;
}
