import { hostname } from "node:os";
import { resolve } from "node:path";
import { LOG_LEVELS } from "./config/shared";
import { readProviders } from "./environment-providers";
import { DEVELOPMENT_SECRET, EnvironmentReader, SANDBOX_SECRET } from "./environment-reader";
import { newId } from "./ids";

export type PaymentProviderName = "sandbox" | "toss" | "stripe";

/** Everything that the process environment decides, read once at start. `.env.example` documents each variable. */
export type Environment = ReturnType<typeof readEnvironment>;

/** Variables that are missing or have values that cannot be used. The message names each of them. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

const PROVIDERS: PaymentProviderName[] = ["sandbox", "toss", "stripe"];

/** Throws one {@link EnvironmentError} that names all variables which cannot be used. */
export function readEnvironment(source: NodeJS.ProcessEnv = process.env) {
  const production = source.NODE_ENV === "production";
  const read = new EnvironmentReader(source, production);
  const port = read.integer("PORT", 3000, { max: 65535 });
  const services = read.list("SERVICES");
  const hosts = (service: string) => services.length === 0 || services.includes(service);
  if (production && hosts("payment") && !read.text("PAYMENT_PROVIDER"))
    read.refuse("PAYMENT_PROVIDER is not set: it is needed with NODE_ENV=production");
  const provider = read.oneOf("PAYMENT_PROVIDER", PROVIDERS, "sandbox");
  const namespace = read.text("NAMESPACE") ?? "shop";
  const webUrl = read.origin("WEB_URL") ?? `http://localhost:${port}`;
  const paymentTimeoutMs = read.integer("PAYMENT_TIMEOUT_MS", 3000, { min: 100, max: 30_000 });
  const sandboxPort = read.integer("SANDBOX_PORT", port + 2, { max: 65535 });
  const sandboxUrl = read.url("SANDBOX_URL", ["http", "https"]);
  const logLevel = read.oneOf("LOG_LEVEL", [...LOG_LEVELS], "info");
  const tossSecretKey = read.secret("TOSS_SECRET_KEY", { needed: provider === "toss" && hosts("payment") });

  const environment = {
    production,
    /** Members of a cluster are told apart by it; a restarted node is a new member. */
    nodeId: read.text("NODE_ID") ?? `${services.join("-") || "shop"}-${hostname()}-${process.pid}-${newId().slice(-6)}`,
    /** Shops that share a NATS or Redis server are told apart by it. */
    namespace,
    /** Services that this node hosts; empty means all. */
    services,
    port,
    opsPort: read.integer("OPS_PORT", 3001, { max: 65535 }),
    /** An address of this machine; undefined means all, as probes and scrapes come from outside. */
    opsHost: read.text("OPS_HOST"),
    /** Milliseconds that connections are still taken after SIGTERM. */
    drainMs: read.integer("DRAIN_MS", 1000, { max: 8000 }),
    dataDir: resolve(read.text("DATA_DIR") ?? "data"),
    natsUrl: read.nats("NATS_URL"),
    mongoUrl: read.url("MONGO_URL", ["mongodb", "mongodb+srv"]),
    redisUrl: read.url("REDIS_URL", ["redis", "rediss"]),
    /** `host:port` of some brokers of one Kafka cluster; empty means the embedded event log. */
    kafkaBrokers: read.hosts("KAFKA_BROKERS"),
    /** For topics that are made here; those that are there stay as they are. */
    topics: {
      partitions: read.integer("TOPIC_PARTITIONS", 6, { min: 1, max: 1000 }),
      replication: read.integer("TOPIC_REPLICATION", 1, { min: 1, max: 10 }),
      retentionMs: read.integer("TOPIC_RETENTION_HOURS", 168, { min: 1, max: 100_000 }) * 3_600_000,
    },
    webUrl,
    /** Origins of other sites whose pages may call the API; empty means none. */
    corsOrigins: read.list("CORS_ORIGINS"),
    /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is believed; `loopback` by name. */
    trustedProxies: read.list("TRUSTED_PROXIES"),
    rateLimit: read.oneOf("RATE_LIMIT", ["on", "off"], "on") === "on",
    log: {
      level: logLevel,
      format: read.oneOf("LOG_FORMAT", ["json", "pretty"], production ? "json" : "pretty"),
    },
    /** The address of a Zipkin server; without it spans go nowhere. */
    zipkinUrl: read.url("ZIPKIN_URL", ["http", "https"]),
    /** Never in production, whatever is asked. */
    demoData: !production && read.oneOf("DEMO_DATA", ["on", "off"], "on") === "on",
    /** Milliseconds after which another node takes up work whose node went silent. */
    leaseMs: read.integer("LEASE_MS", 10_000, { min: 200 }),
    jwt: {
      /** The same on every node, whatever its port: tokens of one are good at all. */
      issuer: read.text("JWT_ISSUER") ?? namespace,
      audience: read.text("JWT_AUDIENCE") ?? "shop",
      /** Encrypts the private signing keys in the store; the same on every node that hosts `auth`. */
      keySecret: read.secret("JWT_KEY_SECRET", {
        needed: hosts("auth"),
        standIn: DEVELOPMENT_SECRET,
        minLength: 32,
      }),
      accessSeconds: read.integer("JWT_ACCESS_SECONDS", 900, { min: 5 }),
      refreshDays: read.integer("JWT_REFRESH_DAYS", 30, { min: 1 }),
      rotationDays: read.integer("JWT_ROTATION_DAYS", 30, { min: 1 }),
    },
    /** Where people may sign in with an account that they have elsewhere. */
    oauth: readProviders(read),
    config: {
      /** The first one encrypts, all decrypt; empty in production where none is given. */
      keys: read.cipherKeys("CONFIG_KEYS"),
      /** Beside `default`, which holds always; later ones win. */
      profiles: read.names("PROFILE").filter((profile) => profile !== "default"),
      label: read.names("CONFIG_LABEL")[0] ?? "main",
      /** Where the YAML files are. */
      directory: resolve(read.text("CONFIG_DIR") ?? "config"),
    },
    /** Configuration keys that a variable gives: above their declared default, below all that `config` says. */
    settings: {
      /** Seconds from placing to payment; less than the configuration allows, for tries. */
      "order.paymentWindow": read.optionalInteger("ORDER_PAYMENT_WINDOW", { min: 1, max: 2_592_000 }),
      /** Minor units, for each order. */
      "order.shippingFee": read.optionalInteger("ORDER_SHIPPING_FEE", { max: 1_000_000 }),
      /** Conversations that an agent has at once unless they say otherwise. */
      "chat.capacity": read.optionalInteger("CHAT_CAPACITY", { min: 1, max: 20 }),
      "log.level": read.text("LOG_LEVEL") && logLevel,
      "tracing.sampleRate": read.optionalFraction("TRACING_SAMPLE_RATE"),
      "payment.toss.secretKey": tossSecretKey || undefined,
    },
    chat: {
      /** Milliseconds without a connection after which an agent's unanswered conversations go back to the queue. */
      agentGraceMs: read.integer("CHAT_AGENT_GRACE_MS", 60_000, { min: 100 }),
      /** Milliseconds that a connection counts as alive without being renewed. */
      connectionMs: read.integer("CHAT_CONNECTION_MS", 30_000, { min: 500 }),
    },
    mail: {
      /** smtp:// or smtps://; without it each mail is a file in DATA_DIR/mail. */
      smtpUrl: read.url("SMTP_URL", ["smtp", "smtps"]),
      from: read.text("MAIL_FROM") ?? "Shop <no-reply@localhost>",
      /** Milliseconds after which an unread chat message is told by mail. */
      unreadMs: read.integer("MAIL_UNREAD_MS", 120_000, { min: 100 }),
    },
    payment: {
      provider,
      /** Milliseconds that a provider has to answer. */
      timeoutMs: paymentTimeoutMs,
      /** Milliseconds for a call to `payment`: it may wait for another try, ask the provider, and ask what became of it. */
      callMs: 4 * paymentTimeoutMs + 2000,
      toss: {
        url: read.url("TOSS_URL", ["http", "https"]) ?? "https://api.tosspayments.com",
        clientKey: read.text("TOSS_CLIENT_KEY") ?? "",
      },
      stripe: {
        url: read.url("STRIPE_URL", ["http", "https"]),
        publishableKey: read.text("STRIPE_PUBLISHABLE_KEY") ?? "",
        secretKey: read.secret("STRIPE_SECRET_KEY", { needed: provider === "stripe" && hosts("payment") }),
        webhookSecret: read.secret("STRIPE_WEBHOOK_SECRET", { needed: provider === "stripe" && hosts("payment") }),
      },
      sandbox: {
        port: sandboxPort,
        /** Where a sandbox runs already; without it each node that hosts `payment` runs its own. */
        url: sandboxUrl,
        secretKey: read.secret("SANDBOX_SECRET_KEY", {
          needed: hosts("payment") && (provider === "sandbox" || sandboxUrl !== undefined),
          standIn: SANDBOX_SECRET,
        }),
        webhookUrl: read.url("SANDBOX_WEBHOOK_URL", ["http", "https"]) ?? `${webUrl}/api/v1/payments/webhooks/sandbox`,
      },
    },
  };
  if (read.problems.length > 0) throw new EnvironmentError(read.problems.join("; "));
  return environment;
}
