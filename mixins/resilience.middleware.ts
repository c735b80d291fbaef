import { Errors, type Middleware, type ServiceBroker } from "moleculer";
import { Bulkhead } from "../lib/bulkhead";
import { sharedConfig } from "../lib/config/shared";
import type { Metrics } from "../lib/metrics";
import { nodeOf } from "../lib/node";
import { Policies, type Policy } from "../lib/policies";
import type { Resilience } from "../lib/resilience";
import { type DeclaredAction, localAction, type Next } from "./middleware";

/** What the broker's options say of everything. */
function generalPolicy({ options }: ServiceBroker): Policy {
  const { requestTimeout = 0, retryPolicy, circuitBreaker, bulkhead } = options;
  return {
    timeout: requestTimeout,
    retries: retryPolicy?.retries ?? 0,
    fallback: true,
    breaker: {
      enabled: true,
      threshold: circuitBreaker?.threshold ?? 1,
      minCalls: circuitBreaker?.minRequestCount ?? 1,
      windowMs: (circuitBreaker?.windowTime ?? 0) * 1000,
      openMs: circuitBreaker?.halfOpenTime ?? 0,
    },
    bulkhead: {
      concurrency: bulkhead?.concurrency ?? Number.POSITIVE_INFINITY,
      queue: bulkhead?.maxQueueSize ?? 0,
    },
  };
}

/** The one place that says what applies to an action. */
export function policyOf(broker: ServiceBroker, { name = "", timeout, retryPolicy, stale }: DeclaredAction): Policy {
  const own = { name, timeout, isRetryable: retryPolicy?.enabled === true, hasFallback: stale === true };
  return nodeOf(broker).resilience.policies.of(own);
}

/** Policies that follow the configuration while the node runs. */
export function livePolicies(broker: ServiceBroker): Policies {
  const { config } = nodeOf(broker);
  const settings = config.of(sharedConfig);
  const policies = new Policies(() => settings.policies, generalPolicy(broker));
  config.onChange(sharedConfig, "policies", () => {
    policies.changed();
    // Moleculer asks for it at each call.
    broker.options.requestTimeout = policies.defaultTimeout;
  });
  return policies;
}

/** Whoever asked has given it up. */
function isTooLate({ options: { timeout }, startHrTime }: Parameters<Next>[0]): boolean {
  if (!startHrTime || !timeout) return false;
  const [seconds, nanoseconds] = process.hrtime(startHrTime);
  return seconds * 1e3 + nanoseconds / 1e6 >= timeout;
}

interface CallOptions {
  ctx?: unknown;
  timeout?: number;
  retries?: number;
}
/** moleculer-web has chosen an endpoint already. */
type Called = string | { action: { name: string } };
type CallNext = (called: Called, params: unknown, options?: CallOptions) => Promise<unknown>;

const nameOf = (called: Called): string => (typeof called === "string" ? called : called.action.name);

/**
 * Bounds what runs and waits of each action and each kind of event, as Moleculer's own bulkhead would, which says
 * nothing of how full it is and keeps the limits that it was made with; and gives calls the time and the tries that the
 * configuration says.
 */
export function resilienceMiddleware(resilience: Resilience, metrics: Metrics): Middleware {
  let broker: ServiceBroker;

  function guarded(next: Next, action: DeclaredAction): Next {
    const name = action.name ?? "";
    const full = () => new Errors.QueueIsFullError({ action: name, nodeID: broker.nodeID });
    const bulkhead = new Bulkhead(() => policyOf(broker, action).bulkhead, full);
    resilience.bulkheads.set(name, bulkhead);
    /** It may have waited: a node that is late already does not do what nobody waits for. */
    const inTime: Next = (ctx) => {
      if (!isTooLate(ctx)) return next(ctx);
      metrics.callsExpired.inc({ action: name });
      return Promise.reject(new Errors.RequestSkippedError({ action: name, nodeID: broker.nodeID }));
    };
    return (ctx) => bulkhead.run(() => inTime(ctx));
  }

  type Listen = (ctx: unknown) => Promise<unknown>;
  function guardedEvent(next: Listen, event: { name: string }): Listen {
    const full = () => new Errors.QueueIsFullError({ event: event.name, nodeID: broker.nodeID });
    const bulkhead = new Bulkhead(() => resilience.policies.ofAll.bulkhead, full);
    return (ctx) => bulkhead.run(async () => next(ctx));
  }

  const withPolicy =
    (next: CallNext): CallNext =>
    (called, params, options = {}) =>
      // One that is tried again has its options.
      next(called, params, options.ctx ? options : resilience.policies.applied(nameOf(called), options));

  return {
    ...localAction("Resilience", guarded),
    localEvent: guardedEvent,
    call: withPolicy,
    created(made: ServiceBroker) {
      broker = made;
      metrics.actionsInFlight.sample(() => figures(({ inFlight }) => inFlight));
      metrics.actionsQueued.sample(() => figures(({ queued }) => queued));
    },
  } as unknown as Middleware;

  function figures(figure: (bulkhead: Bulkhead) => number) {
    return [...resilience.bulkheads].map(([action, bulkhead]) => ({ labels: { action }, value: figure(bulkhead) }));
  }
}
