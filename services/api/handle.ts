import type { Socket } from "node:net";
import type { ServiceBroker } from "moleculer";
import { ShopError } from "../../lib/errors";
import type { Metrics } from "../../lib/metrics";
import { inRequest } from "../../lib/request-scope";
import { authorize, type Verified } from "./authentication";
import { isFresh } from "./conditional";
import type { GatewayRequest, GatewayResponse, Middleware } from "./gateway";
import { idempotencyKeyOf } from "./middlewares";
import { toProblem, toPublicError } from "./problem";
import type { RateLimits } from "./rate-limits";
import { isRead, paramsOf, statusOf } from "./request";
import type { StaleAnswers } from "./stale";

export const EVENT_STREAM = "text/event-stream";

interface Parts {
  /** Who a request is from: by its token, or by what a stream's ticket stands for. */
  authenticate: (req: GatewayRequest) => Promise<Verified | undefined>;
  limits: RateLimits;
  metrics: Metrics;
  logger: ServiceBroker["logger"];
  addressOf: (req: GatewayRequest) => string;
  /** Whether clients are to come back over another connection, which a balancer takes elsewhere. */
  isDraining: () => boolean;
  stale: StaleAnswers;
}

type RequestContext = NonNullable<GatewayRequest["$ctx"]>;

/** What is logged where the answer is made belongs to the request, too. */
const inScopeOf = ({ $ctx }: GatewayRequest, log: () => void): void =>
  inRequest({ requestId: $ctx?.requestID ?? undefined, traceparent: $ctx?.meta.traceparent }, log);

/** A request's way through the gateway: who asks, whether they may, what they asked, and how it is answered. */
export function handleRequest({ authenticate, limits, metrics, logger, addressOf, isDraining, stale }: Parts) {
  /** Measures the request and writes its line in the log when its answer is out. */
  const begin: Middleware = (req, res, next) => {
    const started = performance.now();
    if (isDraining()) res.setHeader("Connection", "close");
    // An answer that takes long to make is none that nobody reads.
    res.on("timeout", (socket: Socket) => {
      if (socket.writableLength > 0) socket.destroy();
    });
    res.once("close", () => {
      const ms = performance.now() - started;
      const route = req.$alias?.path ?? "none";
      const status = statusOf(res);
      // How long somebody listens is no measure of how fast this is.
      if (res.getHeader("Content-Type") !== EVENT_STREAM)
        metrics.http.observe({ method: req.method ?? "", route, status: String(status) }, ms / 1000);
      const line = {
        method: req.method,
        path: req.originalUrl.split("?", 1)[0],
        status,
        ms: Math.round(ms * 10) / 10,
        ...(req.$ctx?.meta.user && { user: req.$ctx.meta.user.id }),
        // Whom it comes from matters where it comes too often.
        ...(status === 429 && { client: addressOf(req) }),
      };
      inScopeOf(req, () => logger.info(line, "request"));
    });
    next();
  };

  async function before(ctx: RequestContext, _route: unknown, req: GatewayRequest): Promise<void> {
    const action = req.$action ?? {};
    const address = addressOf(req);
    // Where anybody may come, a token that has expired is no reason to send them away: refreshing it is such a place.
    const verified = await authenticate(req).catch((error: unknown) => {
      if (action.access === "anyone" && error instanceof ShopError && error.code === 401) return undefined;
      throw error;
    });
    const caller = verified?.caller;
    await limits.admit(action, req.method, caller, address);
    authorize(action, caller);
    req.$verified = verified;
    ctx.meta.user = caller ?? null;
    ctx.meta.clientIp = address;
    ctx.meta.userAgent = req.headers["user-agent"]?.slice(0, 256);
    ctx.meta.cookies = action.browser ? req.headers.cookie : undefined;
    ctx.meta.acceptLanguage = req.headers["accept-language"]?.slice(0, 256);
    // For the action that was asked alone: those that it asks in turn have no part in the client's key.
    ctx.meta.idempotencyKey = action.idempotency ? idempotencyKeyOf(req) : undefined;
    req.$params = paramsOf(req, action);
  }

  async function after(
    ctx: RequestContext,
    _route: unknown,
    req: GatewayRequest,
    res: GatewayResponse,
    data: unknown,
  ): Promise<unknown> {
    const { $statusCode, $responseHeaders, $location } = ctx.meta;
    res.statusCode = $statusCode ?? req.$action?.status ?? (data === null || data === undefined ? 204 : 200);
    if (res.statusCode === 201 && !$location) {
      const path = req.originalUrl.split("?", 1)[0];
      const id = typeof data === "object" && data !== null && "id" in data ? `/${String(data.id)}` : "";
      ctx.meta.$location = `${path}${id}`;
    }
    stale.keep(req, data, $responseHeaders?.ETag);
    if (isRead(req.method) && isFresh(req.headers["if-none-match"], $responseHeaders?.ETag)) {
      res.statusCode = 304;
      return null;
    }
    return data;
  }

  function error(req: GatewayRequest, res: GatewayResponse, thrown: unknown): void {
    const shown = toPublicError(thrown);
    const requestId = req.$ctx?.requestID ?? "";
    req.$span?.tag("error.code", shown.type);
    const path = req.originalUrl.split("?", 1)[0];
    if (shown.code >= 500) inScopeOf(req, () => logger.error({ err: thrown, method: req.method, path }, "failed"));
    if (res.headersSent) {
      res.destroy();
      return;
    }
    if (shown.type === "SERVICE_UNAVAILABLE" && stale.answered(req, res, requestId)) return;
    void limits
      .countFailure(req.$action, shown, addressOf(req))
      .catch((failure: unknown) =>
        inScopeOf(req, () => logger.warn({ err: failure }, "a failed attempt was not counted")),
      );
    const headers: Record<string, string> = {
      "Content-Type": "application/problem+json; charset=utf-8",
      "X-Request-Id": requestId,
    };
    const { retryAfter, replayOf } = shown.data ?? {};
    if (shown.code === 429 || shown.code === 503) headers["Retry-After"] = String(retryAfter ?? 1);
    if (shown.code === 401) headers["WWW-Authenticate"] = "Bearer";
    if (replayOf) headers["Idempotent-Replayed"] = "true";
    res.writeHead(shown.code, headers).end(JSON.stringify(toProblem(shown, requestId)));
  }

  return { begin, before, after, error };
}
