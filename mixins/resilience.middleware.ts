import { Errors, type Middleware, type ServiceBroker } from "moleculer";
import { Bulkhead, type BulkheadLimits } from "../lib/bulkhead";
import type { Metrics } from "../lib/metrics";
import type { CircuitState, Resilience } from "../lib/resilience";
import { type DeclaredAction, localAction, type Next } from "./middleware";

/** What applies to an action; each is what the action says, else what the broker says. */
export interface ResilienceSettings {
  /** Milliseconds. */
  timeout: number;
  /** How often it is asked again where it failed for want of a node. */
  retries: number;
  bulkhead: BulkheadLimits;
}

const bulkheadOf = ({ options }: ServiceBroker): BulkheadLimits => ({
  concurrency: options.bulkhead?.concurrency ?? Number.POSITIVE_INFINITY,
  queue: options.bulkhead?.maxQueueSize ?? 0,
});

/** The one place that says what applies to an action. */
export function settingsOf(broker: ServiceBroker, action: DeclaredAction): ResilienceSettings {
  const { requestTimeout = 0 } = broker.options;
  const { enabled, retries = 0 } = { ...broker.options.retryPolicy, ...action.retryPolicy };
  return {
    timeout: action.timeout ?? requestTimeout,
    retries: enabled ? retries : 0,
    bulkhead: bulkheadOf(broker),
  };
}

interface CircuitEvent {
  nodeID: string;
  action: string;
}

/** Keeps up with Moleculer's circuit breakers, which tell of themselves and cannot be asked. */
function followCircuits({ localBus }: ServiceBroker, resilience: Resilience, metrics: Metrics): void {
  const follow = (event: string, state: CircuitState) =>
    localBus.on(`$circuit-breaker.${event}`, ({ nodeID: node, action }: CircuitEvent) => {
      resilience.circuitIs({ action, node, state });
      if (state === "open") metrics.circuitsOpened.inc({ action });
    });
  follow("opened", "open");
  follow("half-opened", "half-open");
  localBus.on("$circuit-breaker.closed", ({ nodeID: node, action }: CircuitEvent) =>
    resilience.circuitClosed({ action, node }),
  );
  localBus.on("$node.disconnected", ({ node }: { node: { id: string } }) => resilience.forget(node.id));
}

/**
 * Bounds what runs and waits of each action and each kind of event, as Moleculer's own bulkhead would, which says
 * nothing of how full it is and keeps the limits that it was made with.
 */
export function resilienceMiddleware(resilience: Resilience, metrics: Metrics): Middleware {
  let broker: ServiceBroker;

  function guarded(next: Next, action: DeclaredAction): Next {
    const name = action.name ?? "";
    const full = () => new Errors.QueueIsFullError({ action: name, nodeID: broker.nodeID });
    const bulkhead = new Bulkhead(() => settingsOf(broker, action).bulkhead, full);
    resilience.bulkheads.set(name, bulkhead);
    return (ctx) => bulkhead.run(() => next(ctx));
  }

  type Listen = (ctx: unknown) => Promise<unknown>;
  function guardedEvent(next: Listen, event: { name: string }): Listen {
    const full = () => new Errors.QueueIsFullError({ event: event.name, nodeID: broker.nodeID });
    const bulkhead = new Bulkhead(() => bulkheadOf(broker), full);
    return (ctx) => bulkhead.run(async () => next(ctx));
  }

  return {
    ...localAction("Resilience", guarded),
    localEvent: guardedEvent,
    created(started: ServiceBroker) {
      broker = started;
      followCircuits(broker, resilience, metrics);
      metrics.actionsInFlight.sample(() => figures(({ inFlight }) => inFlight));
      metrics.actionsQueued.sample(() => figures(({ queued }) => queued));
      metrics.circuitsOpen.sample(() => circuitFigures(resilience));
    },
  } as unknown as Middleware;

  function figures(figure: (bulkhead: Bulkhead) => number) {
    return [...resilience.bulkheads].map(([action, bulkhead]) => ({ labels: { action }, value: figure(bulkhead) }));
  }
}

/** How many nodes this one does not ask, by action; nodes come and go, so that none is named. */
function circuitFigures(resilience: Resilience) {
  const counts = new Map<string, number>();
  for (const { action } of resilience.circuits()) counts.set(action, (counts.get(action) ?? 0) + 1);
  return [...counts].map(([action, value]) => ({ labels: { action }, value }));
}
