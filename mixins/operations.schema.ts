import { LOG_LEVELS } from "../lib/config/shared";
import { OneOf, ShownText, type Static, Strict, Type } from "../lib/schema";

export const NoParams = Strict({});

/** Who told it to, for the log. */
export const ByOperator = Strict({ operator: Type.Optional(ShownText(200)) });

export const LogLevelParams = Strict({
  level: OneOf(...LOG_LEVELS, "configured"),
  operator: Type.Optional(ShownText(200)),
});

/** What an operator did that no context has a part in. */
export const NoteParams = Strict({ operator: ShownText(200), deed: ShownText(300) });

/** What a node says of its own state. */
export const StateOfNode = Type.Object({ id: Type.String(), state: OneOf("starting", "running", "draining") });

const Count = Type.Integer({ minimum: 0 });

/** What applies to an action. */
export const ActionSettings = {
  timeout: Type.Integer({ description: "milliseconds that a call may take; 0 for no limit" }),
  retries: Type.Integer({ description: "how often a call is repeated on another node where one is gone" }),
  breaker: Type.Object(
    {
      enabled: Type.Boolean(),
      threshold: Type.Number(),
      minCalls: Count,
      windowMs: Count,
      openMs: Count,
    },
    {
      description: "what part of how many calls in what time has to fail for a node not to be asked, and for how long",
    },
  ),
  fallback: Type.Boolean({ description: "an older answer is given, and marked, where there is no new one" }),
  bulkhead: Type.Object(
    { concurrency: Count, queue: Count },
    { description: "how many calls run and wait on a node before more are refused" },
  ),
};

/** How an action is doing on one node, since that started. */
export const ActionFigures = {
  inFlight: Count,
  queued: Count,
  calls: Type.Object(
    { ok: Count, refused: Count, failed: Count },
    { description: "`refused`: the caller's mistake or a state that does not allow it" },
  ),
};

export const ResilienceOfNode = Type.Object({
  actions: Type.Array(Type.Object({ name: Type.String(), ...ActionSettings, ...ActionFigures })),
  circuits: Type.Array(Type.Object({ action: Type.String(), node: Type.String(), state: OneOf("open", "half-open") }), {
    description: "what this node does not ask others for at the moment",
  }),
});
export type ResilienceOfNode = Static<typeof ResilienceOfNode>;

/** What waits in the cluster, as far as this node hosts who looks after it. */
export const StatusOfNode = Type.Object({
  ...StateOfNode.properties,
  missing: Type.Array(Type.String(), { description: "what readiness misses" }),
  outbox: Type.Array(
    Type.Object({ collection: Type.String(), topic: Type.String(), waiting: Count, oldestSeconds: Type.Number() }),
  ),
  lag: Type.Array(Type.Object({ group: Type.String(), topic: Type.String(), messages: Count })),
});
export type StatusOfNode = Static<typeof StatusOfNode>;

declare module "../lib/actions" {
  interface ActionMap {
    /** The level of this node's log, `configured` to follow the configuration again; it is forgotten when the node ends. */
    "$ops.logLevel": Asked<typeof LogLevelParams, typeof StateOfNode>;
    /** For the node's log, where the console's own goes to nobody. */
    "$ops.note": Asked<typeof NoteParams, typeof StateOfNode>;
    "$ops.status": Asked<typeof NoParams, typeof StatusOfNode>;
    "$ops.drain": Asked<typeof ByOperator, typeof StateOfNode>;
    "$ops.undrain": Asked<typeof ByOperator, typeof StateOfNode>;
    "$ops.resilience": Asked<typeof NoParams, typeof ResilienceOfNode>;
  }
}

declare module "../lib/events" {
  interface EventMap {
    /** On this node alone: it drains and balancers had time to notice, so clients that stay connected have to go. */
    "$ops.leave": object;
    /** On this node alone: it takes clients again. */
    "$ops.stay": object;
  }
}
