import bodyParser from "body-parser";
import cors from "cors";
import helmet from "helmet";
import type { Environment } from "../../lib/environment";
import { ShopError } from "../../lib/errors";
import type { GatewayRequest, Middleware } from "./gateway";
import { requireJson } from "./request";

const BODY_LIMIT = "100kb";
const WEBHOOK_LIMIT = "256kb";
const isWebhook = (req: GatewayRequest) => req.originalUrl.startsWith("/api/v1/payments/webhooks/");

const json = bodyParser.json({ limit: BODY_LIMIT, strict: false, inflate: true }) as unknown as Middleware;
const raw = bodyParser.raw({ limit: WEBHOOK_LIMIT, type: () => true }) as unknown as Middleware;

/** Parses a JSON body; a webhook keeps its bytes, since its signature covers them. */
export const parseBody: Middleware = (req, res, next) => {
  if (isWebhook(req)) return raw(req, res, next);
  try {
    requireJson(req);
  } catch (error) {
    return next(error);
  }
  return json(req, res, next);
};

/** Pages of other origins that may call the API; without any named, only our own can. */
export function crossOrigin({ corsOrigins }: Environment): Middleware {
  return cors({
    origin: corsOrigins.length > 0 ? corsOrigins : false,
    methods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowedHeaders: ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id", "If-None-Match"],
    exposedHeaders: ["X-Request-Id", "traceparent", "Idempotent-Replayed", "Retry-After", "ETag", "Location"],
    maxAge: 600,
  }) as unknown as Middleware;
}

/** OPTIONS asks what may be asked and does nothing: moleculer-web would go on to the action that is asked about. */
export const preflight: Middleware = (req, res, next) => {
  if (req.method !== "OPTIONS") return next();
  res.writeHead(204).end();
};

/** helmet's headers, worked out once: they do not depend on the request. */
export function securityHeaders({ webUrl }: Environment): Middleware {
  const headers: [string, string][] = [];
  const collect = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => undefined,
  };
  helmet({
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", "data:", "https:"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        connectSrc: ["'self'"],
        frameAncestors: ["'none'"],
        upgradeInsecureRequests: webUrl.startsWith("https:") ? [] : null,
      },
    },
    xFrameOptions: { action: "deny" },
    strictTransportSecurity: webUrl.startsWith("https:") && undefined,
  })({} as never, collect as never, (error?: unknown) => {
    if (error) throw error;
  });
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    res.setHeader("Cache-Control", "no-store");
    next();
  };
}

/** The `Idempotency-Key`, undefined without one. Throws 400 for one that is no header of its kind. */
export function idempotencyKeyOf(req: GatewayRequest): string | undefined {
  const key = req.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key !== "string" || key.length < 1 || key.length > 255)
    throw new ShopError(400, "IDEMPOTENCY_KEY_INVALID", "An Idempotency-Key has 1 to 255 characters.");
  return key;
}
