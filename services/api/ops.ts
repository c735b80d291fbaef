import type { ServiceBroker } from "moleculer";
import { action, callOf } from "../../lib/actions";
import { Strict } from "../../lib/schema";
import type { NodeMetadata } from "../../mixins/node-state";
import type { ResilienceOfNode } from "../../mixins/operations.schema";
import { type ActionView, type NodeView, NodeViews, type ServiceView, ServiceViews } from "./ops.schema";

/** Milliseconds that a node has to tell of its actions; one that is frozen is left out. */
const ANSWER_MS = 1000;

type RegistryNode = ReturnType<ServiceBroker["registry"]["nodes"]["toArray"]>[number];

const metadataOf = ({ metadata }: RegistryNode): Partial<NodeMetadata> => metadata ?? {};
const isInternal = ({ name }: { name: string }) => name.startsWith("$");
const byName = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** Moleculer counts heartbeats in seconds of this process. */
const heardAt = ({ local, lastHeartbeatTime }: RegistryNode): number =>
  local ? Date.now() : Date.now() - Math.max(0, process.uptime() - lastHeartbeatTime) * 1000;

async function cpuOf(broker: ServiceBroker, { local, cpu }: RegistryNode): Promise<number | null> {
  // Without other nodes nobody measures it.
  return local && cpu === null ? Math.round((await broker.getCpuUsage()).avg) : cpu;
}

async function viewOf(broker: ServiceBroker, node: RegistryNode): Promise<NodeView> {
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

/** The action as it is set and as it is doing on each node that hosts it. */
function actionViews(hosts: string[], answers: Map<string, ResilienceOfNode>, prefix: string): ActionView[] {
  const views = new Map<string, ActionView>();
  for (const id of hosts) {
    for (const { name, timeout, retries, bulkhead, ...figures } of answers.get(id)?.actions ?? []) {
      if (!name.startsWith(prefix)) continue;
      const view = views.get(name) ?? { name, timeout, retries, bulkhead, nodes: [] };
      view.nodes.push({ id, ...figures, ...circuitOf(name, id, answers) });
      views.set(name, view);
    }
  }
  return [...views.values()].sort((a, b) => byName(a.name, b.name));
}

/** A circuit is between two nodes: of those of all callers, the one that is worst off. */
function circuitOf(action: string, node: string, answers: Map<string, ResilienceOfNode>) {
  const found = [...answers].flatMap(([caller, { circuits }]) =>
    circuits
      .filter((circuit) => circuit.action === action && circuit.node === node)
      .map(({ state }) => ({ caller, state })),
  );
  const open = found.filter(({ state }) => state === "open");
  const circuit = open.length > 0 ? ("open" as const) : (found[0]?.state ?? ("closed" as const));
  return { circuit, circuitOpenFor: open.map(({ caller }) => caller) };
}

/** The services that discovery knows, each version of one apart, with the nodes that host it. */
function hostedServices({ registry }: ServiceBroker): Omit<ServiceView, "actions">[] {
  const found = new Map<string, Omit<ServiceView, "actions">>();
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

/** The cluster as this gateway's discovery knows it, and how each node says that its actions are doing. */
export function opsActions(broker: ServiceBroker) {
  async function ask(nodeID: string): Promise<[string, ResilienceOfNode][]> {
    try {
      return [[nodeID, await callOf(broker)("$ops.resilience", {}, { nodeID, timeout: ANSWER_MS })]];
    } catch (error) {
      broker.logger.debug({ err: error, nodeID }, "a node does not tell of its actions");
      return [];
    }
  }

  return {
    nodes: action({
      rest: "GET /ops/nodes",
      access: ["admin"],
      summary: "The nodes that discovery knows; `offline` is one that died without saying so, for ten minutes",
      params: Strict({}),
      returns: NodeViews,
      async handler() {
        const nodes = broker.registry.nodes.toArray().filter(isOfInterest);
        const items = await Promise.all(nodes.map((node) => viewOf(broker, node)));
        return { items: items.sort((a, b) => byName(a.id, b.id)) };
      },
    }),

    services: action({
      rest: "GET /ops/services",
      access: ["admin"],
      summary: "The services that discovery knows, and how their actions are doing on each node since it started",
      params: Strict({}),
      returns: ServiceViews,
      async handler() {
        const nodes = broker.registry.nodes.toArray().filter(({ available }) => available);
        const answers = new Map((await Promise.all(nodes.map(({ id }) => ask(id)))).flat());
        const items = hostedServices(broker).map((service) => {
          const nodeIds = service.nodes.toSorted(byName);
          return { ...service, nodes: nodeIds, actions: actionViews(nodeIds, answers, `${service.name}.`) };
        });
        return { items };
      },
    }),
  };
}
