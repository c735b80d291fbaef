import type { Middleware } from "moleculer";
import { currentRequest, inRequest } from "../lib/request-scope";
import { localAction } from "./middleware";

/** Carries the request's id into the logs of whatever an action does, on every node that the request reaches. */
export const requestScopeMiddleware: Middleware = localAction(
  "RequestScope",
  (next) => (ctx) =>
    !ctx.requestID || currentRequest()?.requestId === ctx.requestID
      ? next(ctx)
      : inRequest(ctx.requestID, () => next(ctx)),
);
