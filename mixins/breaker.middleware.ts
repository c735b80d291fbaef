import { type Context, Errors, type Middleware, type ServiceBroker } from "moleculer";
import type { Metrics } from "../lib/metrics";
import type { Resilience } from "../lib/resilience";
import { countsAsFailure } from "./errors";
import type { DeclaredAction } from "./middleware";
import { otherNodes } from "./other-nodes";
import { policyOf } from "./resilience.middleware";

type Ask = (ctx: Context) => Promise<unknown>;
type Watched = Parameters<Resilience["breakerOf"]>[0];

/** The other side's failure, not that of somebody whom it asked in turn. */
const isItsOwn = (error: unknown, { nodeID }: Context): boolean => {
  const of = typeof error === "object" && error !== null && "nodeID" in error ? error.nodeID : undefined;
  return !of || of === nodeID;
};

/** The node was about to leave: it says that it has no such action, or none any more. */
function isUntouched(error: unknown, { action, nodeID }: Context): boolean {
  const { ServiceNotFoundError, ServiceNotAvailableError } = Errors;
  if (!(error instanceof ServiceNotFoundError || error instanceof ServiceNotAvailableError)) return false;
  const { data } = error as { data?: { action?: string; nodeID?: string } };
  return data?.action === action?.name && data?.nodeID === nodeID;
}

/**
 * Nodes that keep failing at an action, or keep silent, are not asked for it for a while. What a node did not begin, as it
 * was leaving, another one is asked, also where it would not be safe to run it twice.
 */
export function breakerMiddleware(resilience: Resilience, metrics: Metrics): Middleware {
  let broker: ServiceBroker;

  function watched(next: Ask, action: DeclaredAction): Ask {
    const limits = () => policyOf(broker, action).breaker;
    const opened = () => metrics.circuitsOpened.inc({ action: action.name ?? "" });
    return async (ctx) => {
      const ended = resilience.breakerOf(ctx.endpoint as unknown as Watched, limits, opened).begin();
      try {
        const result = await next(ctx);
        ended(false);
        return result;
      } catch (error) {
        ended(countsAsFailure(error) && isItsOwn(error, ctx));
        throw error;
      }
    };
  }

  function elsewhere(next: Ask): Ask {
    return async (ctx) => {
      try {
        return await next(ctx);
      } catch (error) {
        const endpoint = !ctx.options.nodeID && isUntouched(error, ctx) ? otherNodes(ctx)[0] : undefined;
        if (!endpoint) throw error;
        return next(ctx.copy(endpoint));
      }
    };
  }

  return {
    name: "Breaker",
    localAction: watched,
    remoteAction: (next: Ask, action: DeclaredAction) => elsewhere(watched(next, action)),
    created(made: ServiceBroker) {
      broker = made;
      broker.localBus.on("$node.disconnected", ({ node }: { node: { id: string } }) => resilience.forget(node.id));
      metrics.circuitsOpen.sample(() => circuitFigures(resilience));
    },
  } as unknown as Middleware;
}

/** How many nodes this one does not ask, by action; nodes come and go, so that none is named. */
function circuitFigures(resilience: Resilience) {
  const counts = new Map<string, number>();
  for (const { action } of resilience.circuits()) counts.set(action, (counts.get(action) ?? 0) + 1);
  return [...counts].map(([action, value]) => ({ labels: { action }, value }));
}
