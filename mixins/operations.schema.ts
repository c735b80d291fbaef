import { OneOf, type Static, Strict, Type } from "../lib/schema";

export const NoParams = Strict({});

/** What a node says of its own state. */
export const StateOfNode = Type.Object({ id: Type.String(), state: OneOf("starting", "running", "draining") });

const Count = Type.Integer({ minimum: 0 });

/** What applies to an action. */
export const ActionSettings = {
  timeout: Type.Integer({ description: "milliseconds that a call may take; 0 for no limit" }),
  retries: Type.Integer({ description: "how often a call is repeated on another node where one is gone" }),
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

declare module "../lib/actions" {
  interface ActionMap {
    "$ops.drain": Asked<typeof NoParams, typeof StateOfNode>;
    "$ops.undrain": Asked<typeof NoParams, typeof StateOfNode>;
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
