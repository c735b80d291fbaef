import { type Context, Errors, type Middleware } from "moleculer";

/** Milliseconds after a call's own time: whoever waits for it has been told by then. */
const GRACE_MS = 20;

type Ask = (ctx: Context) => Promise<unknown>;

/** Rejects when the time is over, whatever becomes of the question. */
function inTime(ms: number, ctx: Context, ask: Ask): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const timer = setTimeout(() => {
    // A question that was asked of a second node has an id of its own, which Moleculer would keep.
    ctx.broker.transit?.removePendingRequest(ctx.id);
    reject(new Errors.RequestTimeoutError({ action: ctx.action?.name ?? "", nodeID: ctx.nodeID ?? "" }));
  }, ms).unref();
  ask(ctx)
    .then(resolve, reject)
    .finally(() => clearTimeout(timer));
  return promise;
}

/**
 * Ends calls to other nodes that nobody waits for any more. Moleculer tells the caller that the time is over and forgets the
 * question, but never ends what waits for the answer: breakers and spans would hear nothing, the list of running calls would
 * grow with each, and the node wait for them when it stops. Stands before all that wraps calls.
 */
export const unansweredMiddleware = {
  name: "Unanswered",
  remoteAction:
    (next: Ask): Ask =>
    (ctx) => {
      const { timeout } = ctx.options;
      return timeout ? inTime(timeout + GRACE_MS, ctx, next) : next(ctx);
    },
} as unknown as Middleware;
