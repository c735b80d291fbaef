import { hostname } from "node:os";
import { resolve } from "node:path";
import { newId } from "./ids";

export type PaymentProviderName = "sandbox" | "toss" | "stripe";

/** Everything that the process environment decides, read once at start. `.env.example` documents each variable. */
export type Environment = ReturnType<typeof readEnvironment>;

/** A variable that is missing or has a value that cannot be used. The message names it. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

const DEVELOPMENT_SECRET = "development-only-secret-do-not-use-in-production";
const PROVIDERS: PaymentProviderName[] = ["sandbox", "toss", "stripe"];
const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"];

class Reader {
  constructor(private readonly source: NodeJS.ProcessEnv) {}

  text(name: string): string | undefined {
    return this.source[name]?.trim() || undefined;
  }

  integer(name: string, fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new EnvironmentError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
    return value;
  }

  url(name: string, protocols: string[]): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!protocols.some((protocol) => text.startsWith(`${protocol}://`)))
      throw new EnvironmentError(`${name} must start with ${protocols.map((p) => `${p}://`).join(" or ")}`);
    return text.replace(/\/+$/, "");
  }

  list(name: string): string[] {
    return (this.text(name) ?? "")
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean);
  }

  oneOf<T extends string>(name: string, values: T[], fallback: T): T {
    const text = this.text(name);
    const value = text === undefined ? fallback : values.find((candidate) => candidate === text);
    if (value === undefined) throw new EnvironmentError(`${name} must be one of ${values.join(", ")}`);
    return value;
  }

  /** A secret has a stand-in for development; in production it must be given. */
  secret(name: string, needed: boolean, production: boolean, standIn = DEVELOPMENT_SECRET): string {
    const text = this.text(name);
    if (needed && production && text === undefined)
      throw new EnvironmentError(`${name} is not set: it is needed with NODE_ENV=production`);
    return text ?? standIn;
  }
}

/** Throws {@link EnvironmentError}, naming the variable. */
export function readEnvironment(source: NodeJS.ProcessEnv = process.env) {
  const read = new Reader(source);
  const production = source.NODE_ENV === "production";
  const port = read.integer("PORT", 3000, { max: 65535 });
  const services = read.list("SERVICES");
  if (production && !read.text("PAYMENT_PROVIDER"))
    throw new EnvironmentError("PAYMENT_PROVIDER is not set: it is needed with NODE_ENV=production");
  const provider = read.oneOf("PAYMENT_PROVIDER", PROVIDERS, "sandbox");
  const webUrl = read.url("WEB_URL", ["http", "https"]) ?? `http://localhost:${port}`;
  const sandboxPort = read.integer("SANDBOX_PORT", port + 2, { max: 65535 });

  return {
    production,
    /** Members of a cluster are told apart by it; a restarted node is a new member. */
    nodeId: read.text("NODE_ID") ?? `${services.join("-") || "shop"}-${hostname()}-${process.pid}-${newId().slice(-6)}`,
    /** Shops that share a NATS or Redis server are told apart by it. */
    namespace: read.text("NAMESPACE") ?? "shop",
    /** Services that this node hosts; empty means all. */
    services,
    port,
    opsPort: read.integer("OPS_PORT", 3001, { max: 65535 }),
    /** Milliseconds that connections are still taken after SIGTERM. */
    drainMs: read.integer("DRAIN_MS", 1000, { max: 8000 }),
    dataDir: resolve(read.text("DATA_DIR") ?? "data"),
    natsUrl: read.url("NATS_URL", ["nats", "tls"]),
    mongoUrl: read.url("MONGO_URL", ["mongodb", "mongodb+srv"]),
    redisUrl: read.url("REDIS_URL", ["redis", "rediss"]),
    webUrl,
    /** Origins of other sites whose pages may call the API; empty means none. */
    corsOrigins: read.list("CORS_ORIGINS"),
    /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed; `loopback` by name. */
    trustedProxies: read.list("TRUSTED_PROXIES"),
    rateLimit: read.oneOf("RATE_LIMIT", ["on", "off"], "on") === "on",
    log: {
      level: read.oneOf("LOG_LEVEL", LEVELS, "info"),
      format: read.oneOf("LOG_FORMAT", ["json", "pretty"], production ? "json" : "pretty"),
    },
    /** Never in production, whatever is asked. */
    demoData: !production && read.oneOf("DEMO_DATA", ["on", "off"], "on") === "on",
    /** Milliseconds after which another node takes up work whose node went silent. */
    leaseMs: read.integer("LEASE_MS", 10_000, { min: 200 }),
    jwt: {
      issuer: read.text("JWT_ISSUER") ?? webUrl,
      audience: read.text("JWT_AUDIENCE") ?? "shop",
      /** Encrypts the private signing keys in the store; the same on every node that hosts `auth`. */
      keySecret: read.secret("JWT_KEY_SECRET", services.length === 0 || services.includes("auth"), production),
      accessSeconds: read.integer("JWT_ACCESS_SECONDS", 900, { min: 5 }),
      refreshDays: read.integer("JWT_REFRESH_DAYS", 30, { min: 1 }),
      rotationDays: read.integer("JWT_ROTATION_DAYS", 30, { min: 1 }),
    },
    order: {
      /** Seconds from placing to payment. */
      paymentWindow: read.integer("ORDER_PAYMENT_WINDOW", 900, { min: 1 }),
      /** Minor units, for each order. */
      shippingFee: read.integer("ORDER_SHIPPING_FEE", 3000),
    },
    payment: {
      provider,
      /** Milliseconds that a provider has to answer. */
      timeoutMs: read.integer("PAYMENT_TIMEOUT_MS", 3000, { min: 100 }),
      toss: {
        url: read.url("TOSS_URL", ["http", "https"]) ?? "https://api.tosspayments.com",
        clientKey: read.text("TOSS_CLIENT_KEY") ?? "",
        secretKey: read.secret("TOSS_SECRET_KEY", provider === "toss", production, ""),
      },
      stripe: {
        url: read.url("STRIPE_URL", ["http", "https"]),
        publishableKey: read.text("STRIPE_PUBLISHABLE_KEY") ?? "",
        secretKey: read.secret("STRIPE_SECRET_KEY", provider === "stripe", production, ""),
        webhookSecret: read.secret("STRIPE_WEBHOOK_SECRET", provider === "stripe", production, ""),
      },
      sandbox: {
        port: sandboxPort,
        /** Where a sandbox runs already; without it each node that hosts `payment` runs its own. */
        url: read.url("SANDBOX_URL", ["http", "https"]),
        secretKey: read.text("SANDBOX_SECRET_KEY") ?? "test_sk_sandbox",
        webhookUrl: read.url("SANDBOX_WEBHOOK_URL", ["http", "https"]) ?? `${webUrl}/api/v1/payments/webhooks/sandbox`,
      },
    },
  };
}
