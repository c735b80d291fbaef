import type { Context, Middleware } from "moleculer";
import type { Meta } from "../lib/actions";
import { currentRequest, inRequest, type RequestScope } from "../lib/request-scope";
import { isTraceparent } from "../lib/trace";
import { localAction } from "./middleware";

interface CallOptions {
  meta?: Meta;
  requestID?: string;
  parentCtx?: Context<unknown, Meta>;
}

type CallNext = (name: string, params: unknown, options?: CallOptions) => Promise<unknown>;

/** A call that no request's context makes belongs to the request all the same in whose scope it is made. */
function withScope(options: CallOptions = {}): CallOptions {
  const scope = currentRequest();
  if (!scope) return options;
  // The context's own may be that of an earlier call it made: Moleculer takes over the meta of what was called.
  const traceparent = options.meta?.traceparent ?? scope.traceparent ?? options.parentCtx?.meta.traceparent;
  return {
    ...options,
    ...(scope.requestId && !options.requestID && !options.parentCtx && { requestID: scope.requestId }),
    meta: { ...options.meta, ...(traceparent && { traceparent }) },
  };
}

const isSame = (scope: RequestScope | undefined, { requestId, traceparent }: RequestScope) =>
  scope?.requestId === requestId && scope?.traceparent === traceparent;

/** Carries a request's id and trace into whatever an action does, on every node that the request reaches. */
export const requestScopeMiddleware: Middleware = {
  ...localAction("RequestScope", (next) => (ctx) => {
    const { traceparent } = ctx.meta;
    const scope: RequestScope = {
      ...(ctx.requestID && { requestId: ctx.requestID }),
      ...(isTraceparent(traceparent) && { traceparent }),
    };
    return isSame(currentRequest(), scope) ? next(ctx) : inRequest(scope, () => next(ctx));
  }),
  call: ((next: CallNext): CallNext =>
    (name, params, options) =>
      next(name, params, withScope(options))) as unknown as NonNullable<Middleware["call"]>,
};
