import type { Middleware, ServiceBroker } from "moleculer";
import type { NodeState } from "../lib/health";
import { nodeOf } from "../lib/node";
import { version } from "../package.json";

/** What the nodes of a cluster know of each other beside what Moleculer tells: discovery carries it. */
export interface NodeMetadata {
  state: NodeState;
  version: string;
  /** RFC 3339. */
  startedAt: string;
}

export const nodeMetadata = (): NodeMetadata => ({
  state: "starting",
  version,
  startedAt: new Date(Date.now() - process.uptime() * 1000).toISOString(),
});

/** Moves this node to a state and tells the others. */
export async function enter(broker: ServiceBroker, state: NodeState): Promise<void> {
  const { registry, metadata } = broker;
  nodeOf(broker).health.state = state;
  metadata.state = state;
  registry.regenerateLocalRawInfo(true);
  await registry.discoverer.sendLocalNodeInfo();
}

interface Announced {
  name: string;
  actions: object;
}

interface Packet {
  type: string;
  payload: { services?: Announced[]; metadata?: Partial<NodeMetadata> };
}

/**
 * A draining node has no actions for the others, so that none of their calls goes there any more; what they asked before is
 * answered, and events go on to reach the clients that are connected to it. `$` is for whoever looks after the node.
 */
function withoutActions({ payload, ...packet }: Packet): Packet {
  const services = payload.services?.map((service) =>
    service.name.startsWith("$") ? service : { ...service, actions: {} },
  );
  return { ...packet, payload: { ...payload, services } };
}

export const drainingMiddleware = {
  name: "Draining",
  transitPublish: (next: (packet: Packet) => unknown) => (packet: Packet) =>
    next(packet.type === "INFO" && packet.payload.metadata?.state === "draining" ? withoutActions(packet) : packet),
} as unknown as Middleware;
