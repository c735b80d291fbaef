import type { ServiceBroker } from "moleculer";
import { action, callOf } from "../../lib/actions";
import { Strict } from "../../lib/schema";
import { byName, hostedServices, nodesOf } from "../../mixins/cluster";
import type { ResilienceOfNode } from "../../mixins/operations.schema";
import { type ActionView, NodeViews, ServiceViews } from "./ops.schema";

/** Milliseconds that a node has to tell of its actions; one that is frozen is left out. */
const ANSWER_MS = 1000;

/** The action as it is set and as it is doing on each node that hosts it. */
function actionViews(hosts: string[], answers: Map<string, ResilienceOfNode>, prefix: string): ActionView[] {
  const views = new Map<string, ActionView>();
  for (const id of hosts) {
    for (const { name, timeout, retries, breaker, bulkhead, fallback, ...figures } of answers.get(id)?.actions ?? []) {
      if (!name.startsWith(prefix)) continue;
      const view = views.get(name) ?? { name, timeout, retries, breaker, bulkhead, fallback, nodes: [] };
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
        return { items: await nodesOf(broker) };
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
