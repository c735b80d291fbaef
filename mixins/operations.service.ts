import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../lib/actions";
import { conflict } from "../lib/errors";
import { nodeOf } from "../lib/node";
import type { LiveLevels } from "./live-levels";
import type { DeclaredAction } from "./middleware";
import { enter } from "./node-state";
import {
  ByOperator,
  LogLevelParams,
  NoParams,
  NoteParams,
  type ResilienceOfNode,
  StateOfNode,
  StatusOfNode,
  ResilienceOfNode as View,
} from "./operations.schema";
import { policyOf } from "./resilience.middleware";
import { statusOf } from "./status";

type Calls = ResilienceOfNode["actions"][number]["calls"];

/** How often each action ran here, by outcome. */
async function callsByAction(broker: ServiceBroker): Promise<Map<string, Calls>> {
  const { values } = await nodeOf(broker).metrics.actions.get();
  const calls = new Map<string, Calls>();
  for (const { metricName, labels, value } of values) {
    if (!metricName?.endsWith("_count")) continue;
    const name = String(labels.action);
    calls.set(name, { ok: 0, refused: 0, failed: 0, ...calls.get(name), [String(labels.outcome)]: value });
  }
  return calls;
}

async function resilienceOf(broker: ServiceBroker): Promise<ResilienceOfNode> {
  const { resilience } = nodeOf(broker);
  const calls = await callsByAction(broker);
  const listed = broker.registry.getActionList({ onlyLocal: true, skipInternal: true }) as {
    name: string;
    action?: DeclaredAction;
  }[];
  return {
    actions: listed.map(({ name, action: declared = {} }) => ({
      name,
      ...policyOf(broker, declared),
      inFlight: resilience.bulkheads.get(name)?.inFlight ?? 0,
      queued: resilience.bulkheads.get(name)?.queued ?? 0,
      calls: calls.get(name) ?? { ok: 0, refused: 0, failed: 0 },
    })),
    circuits: resilience.circuits(),
  };
}

/**
 * What every node answers about itself, to be asked by its id: `call("$ops.drain", {}, { nodeID })`. State, version and age of
 * a node travel with discovery instead, so that they are known of one that does not answer. Nothing here has a route: the
 * gateway's `/ops` puts it together for admins.
 */
export function operationsService(broker: ServiceBroker, levels: LiveLevels): ServiceSchema {
  const { environment, health } = nodeOf(broker);
  let leaving: NodeJS.Timeout | undefined;
  const state = () => ({ id: broker.nodeID, state: health.state });

  return {
    name: "$ops",
    actions: {
      drain: action({
        params: ByOperator,
        returns: StateOfNode,
        async handler({ params: { operator } }) {
          if (health.state === "starting") throw conflict("NODE_STARTING", "The node is not running yet.");
          if (health.state === "draining") return state();
          broker.logger.info({ operator }, "the node is drained");
          await enter(broker, "draining");
          leaving = setTimeout(() => void broker.broadcastLocal("$ops.leave", {}), environment.drainMs).unref();
          return state();
        },
      }),
      undrain: action({
        params: ByOperator,
        returns: StateOfNode,
        async handler({ params: { operator } }) {
          if (health.isEnding) throw conflict("NODE_ENDING", "The node was told to end.");
          if (health.state !== "draining") return state();
          broker.logger.info({ operator }, "the node takes work again");
          clearTimeout(leaving);
          await enter(broker, "running");
          void broker.broadcastLocal("$ops.stay", {});
          return state();
        },
      }),
      logLevel: action({
        params: LogLevelParams,
        returns: StateOfNode,
        handler({ params: { level, operator } }) {
          levels.force(level === "configured" ? undefined : level);
          broker.logger.info({ operator, logLevel: level }, "the node's log level was changed");
          return state();
        },
      }),
      note: action({
        params: NoteParams,
        returns: StateOfNode,
        handler({ params: { operator, deed } }) {
          broker.logger.info({ operator }, deed);
          return state();
        },
      }),
      status: action({ params: NoParams, returns: StatusOfNode, handler: () => statusOf(broker) }),
      resilience: action({ params: NoParams, returns: View, handler: () => resilienceOf(broker) }),
    },

    async started() {
      // Whoever watches sees it start, however long that takes.
      await broker.registry.discoverer.sendLocalNodeInfo();
    },

    stopped() {
      clearTimeout(leaving);
    },
  };
}
