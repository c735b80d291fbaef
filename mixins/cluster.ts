import type { ServiceBroker } from "moleculer";
import type { NodeMetadata } from "./node-state";

/** A node as another one knows it. */
export interface NodeOfCluster {
  id: string;
  hostname: string;
  state: NodeMetadata["state"] | "offline";
  version: string;
  services: string[];
  /** Seconds. */
  uptime: number;
  /** Percent of its machine; null until it is measured. */
  cpu: number | null;
  /** RFC 3339. */
  lastHeartbeat: string;
}

export interface ServiceOfCluster {
  name: string;
  version: string;
  /** Ids of nodes. */
  nodes: string[];
}

type RegistryNode = ReturnType<ServiceBroker["registry"]["nodes"]["toArray"]>[number];

const metadataOf = ({ metadata }: RegistryNode): Partial<NodeMetadata> => metadata ?? {};
const isInternal = ({ name }: { name: string }) => name.startsWith("$");
export const byName = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** Moleculer counts heartbeats in seconds of this process. */
const heardAt = ({ local, lastHeartbeatTime }: RegistryNode): number =>
  local ? Date.now() : Date.now() - Math.max(0, process.uptime() - lastHeartbeatTime) * 1000;

async function cpuOf(broker: ServiceBroker, { local, cpu }: RegistryNode): Promise<number | null> {
  // Without other nodes nobody measures it.
  return local && cpu === null ? Math.round((await broker.getCpuUsage()).avg) : cpu;
}

async function viewOf(broker: ServiceBroker, node: RegistryNode): Promise<NodeOfCluster> {
  const { state = "starting", version = "", startedAt } = metadataOf(node);
  const seenAt = heardAt(node);
  const services = broker.registry.services.services.filter((service) => service.node === node && !isInternal(service));
  return {
    id: node.id,
    hostname: node.hostname ?? "",
    state: node.available ? state : "offline",
    version,
    services: services.map(({ name }) => name).sort(byName),
    uptime: startedAt ? Math.max(0, Math.round((seenAt - Date.parse(startedAt)) / 1000)) : 0,
    cpu: await cpuOf(broker, node),
    lastHeartbeat: new Date(seenAt).toISOString(),
  };
}

/** Of those that are gone only the ones are told of that did not say so before. */
const isOfInterest = (node: RegistryNode): boolean => node.available || metadataOf(node).state !== "draining";

/** The nodes that discovery knows of here, those included that died without saying so. */
export async function nodesOf(broker: ServiceBroker): Promise<NodeOfCluster[]> {
  const nodes = broker.registry.nodes.toArray().filter(isOfInterest);
  const views = await Promise.all(nodes.map((node) => viewOf(broker, node)));
  return views.sort((a, b) => byName(a.id, b.id));
}

/** The services that discovery knows, each version of one apart, with the nodes that host it. */
export function hostedServices({ registry }: ServiceBroker): ServiceOfCluster[] {
  const found = new Map<string, ServiceOfCluster>();
  for (const service of registry.services.services) {
    const { name, node } = service;
    if (isInternal(service) || !node.available) continue;
    const { version = "" } = metadataOf(node);
    const view = found.get(`${name} ${version}`) ?? { name, version, nodes: [] };
    view.nodes.push(node.id);
    found.set(`${name} ${version}`, view);
  }
  return [...found.values()].sort((a, b) => byName(a.name, b.name) || byName(a.version, b.version));
}
