import { join } from "node:path";
import type { BrokerOptions, ServiceBroker } from "moleculer";
import { Ciphers } from "./lib/config/cipher";
import type { Settings } from "./lib/config/declaration";
import { NodeConfig } from "./lib/config/node-config";
import { sharedConfig } from "./lib/config/shared";
import { type Environment, readEnvironment } from "./lib/environment";
import { Health } from "./lib/health";
import { pinoOptions, prettyDestination } from "./lib/logging";
import { Metrics } from "./lib/metrics";
import { natsServers } from "./lib/nats-url";
import { attachNode, nodeOf } from "./lib/node";
import { Resilience } from "./lib/resilience";
import type { Store } from "./lib/store/collection";
import { NedbStore } from "./lib/store/nedb";
import { EventLog } from "./lib/topics/event-log";
import { KafkaTopics } from "./lib/topics/kafka";
import type { Topics } from "./lib/topics/topics";
import { Tracer } from "./lib/tracing/tracer";
import { ZipkinExporter } from "./lib/tracing/zipkin";
import { breakerMiddleware } from "./mixins/breaker.middleware";
import { cacherFor } from "./mixins/cacher";
import { configMiddleware } from "./mixins/config.middleware";
import { ErrorRegenerator, isTriedAgain } from "./mixins/errors";
import { hedgingMiddleware } from "./mixins/hedging.middleware";
import { idempotencyMiddleware } from "./mixins/idempotency.mixin";
import { LiveLevels } from "./mixins/live-levels";
import { metricsMiddleware } from "./mixins/metrics.middleware";
import { natsReconnects } from "./mixins/nats";
import { drainingMiddleware, enter, nodeMetadata } from "./mixins/node-state";
import { openedMiddleware } from "./mixins/opened.middleware";
import { operationsMiddleware } from "./mixins/operations.middleware";
import { operationsService } from "./mixins/operations.service";
import { registerProbes } from "./mixins/probes";
import { requestScopeMiddleware } from "./mixins/request-scope.middleware";
import { livePolicies, resilienceMiddleware } from "./mixins/resilience.middleware";
import { tracingMiddleware } from "./mixins/tracing.middleware";
import { unansweredMiddleware } from "./mixins/unanswered.middleware";
import { JsonSchemaValidator } from "./mixins/validator";
import { replCommands } from "./repl";

/** Milliseconds that a call between services may take; an action with a slower neighbour says so itself. */
const REQUEST_TIMEOUT_MS = 5000;

function topicsFor(environment: Environment, logger: ServiceBroker["logger"]): Topics {
  const { kafkaBrokers: brokers, topics: options, dataDir, namespace } = environment;
  return brokers.length > 0
    ? new KafkaTopics({ ...options, brokers, namespace, logger })
    : new EventLog({ ...options, directory: join(dataDir, "events"), logger });
}

function storeOf({ mongoUrl, dataDir }: Environment): Store {
  if (!mongoUrl) return new NedbStore(dataDir);
  // Loaded only here, as an embedded shop needs none of it: some 150 ms and 20 MB.
  const { MongoStore } = require("./lib/store/mongo") as typeof import("./lib/store/mongo");
  return new MongoStore(mongoUrl);
}

/** `broker` is there once it is asked for: the middlewares that trace are made before it. */
function tracerFor({ zipkinUrl: url }: Environment, metrics: Metrics, broker: () => ServiceBroker): Tracer {
  const count = (outcome: "exported" | "dropped", spans: number) => metrics.traceSpans.inc({ outcome }, spans);
  const logger = () => broker().getLogger("tracing");
  let settings: Settings<typeof sharedConfig> | undefined;
  return new Tracer({
    ...(url && { exporter: new ZipkinExporter({ url, logger, count }) }),
    sampleRate() {
      settings ??= nodeOf(broker()).config.of(sharedConfig);
      return settings.sampleRate;
    },
  });
}

function measureHealth(health: Health, metrics: Metrics): void {
  metrics.ready.measure({}, async () => ((await health.readiness()).status === "unavailable" ? 0 : 1));
  metrics.dependencies.sample(async () => {
    const { missing } = await health.readiness();
    return health.dependencies().map((dependency) => ({
      labels: { dependency },
      value: missing.includes(dependency) ? 0 : 1,
    }));
  });
}

/** The broker of one node. Each external part is chosen here, from the environment, and nowhere else. */
export function brokerOptions(environment: Environment): BrokerOptions {
  const levels = new LiveLevels(environment.log.level, {
    pino: { options: pinoOptions, ...(environment.log.format === "pretty" && { destination: prettyDestination() }) },
  });
  const health = new Health();
  const metrics = new Metrics();
  const resilience = new Resilience();
  let made: ServiceBroker;
  const tracer = tracerFor(environment, metrics, () => made);
  const store = storeOf(environment);

  return {
    namespace: environment.namespace,
    nodeID: environment.nodeId,
    metadata: nodeMetadata(),
    logger: levels as unknown as BrokerOptions["logger"],

    transporter: environment.natsUrl
      ? {
          type: "NATS",
          options: { ...natsServers(environment.natsUrl), maxReconnectAttempts: -1, reconnectTimeWait: 500 },
        }
      : null,
    heartbeatInterval: 2,
    heartbeatTimeout: 6,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxCallLevel: 20,
    // Milliseconds between looks for a service that another one waits for; the default of a second is most of a start.
    dependencyInterval: 50,
    tracking: { enabled: true, shutdownTimeout: 6000 },
    registry: { strategy: "RoundRobin", preferLocal: true },

    // Off unless an action says that it is safe to run twice: then another node may answer for one that has died.
    retryPolicy: { enabled: false, retries: 2, delay: 100, maxDelay: 1000, factor: 2, check: isTriedAgain },
    // Moleculer's own are off: the limits are kept by the breaker's and the resilience middleware, and can be changed live.
    circuitBreaker: { enabled: false, threshold: 0.5, windowTime: 30, minRequestCount: 20, halfOpenTime: 3000 },
    bulkhead: { enabled: false, concurrency: 200, maxQueueSize: 2000 },

    cacher: cacherFor(environment.redisUrl, environment.namespace),
    validator: new JsonSchemaValidator({}),
    errorRegenerator: new ErrorRegenerator(),
    skipProcessEventRegistration: true,
    // Its answer has the servers' passwords, and any node may ask.
    internalServices: { $node: { actions: { options: false } } } as unknown as boolean,
    replOptions: { customCommands: replCommands, delimiter: "shop $" },

    // The first is the innermost: idempotency sees params that were validated.
    middlewares: [
      unansweredMiddleware,
      idempotencyMiddleware(environment.leaseMs),
      metricsMiddleware(metrics),
      tracingMiddleware(tracer),
      breakerMiddleware(resilience, metrics),
      hedgingMiddleware(metrics),
      requestScopeMiddleware,
      natsReconnects,
      resilienceMiddleware(resilience, metrics),
      drainingMiddleware,
      configMiddleware(levels),
      openedMiddleware,
      operationsMiddleware(environment.opsPort, environment.opsHost),
    ],
    created(broker: ServiceBroker) {
      made = broker;
      const topics = topicsFor(environment, broker.getLogger("topics"));
      const config = new NodeConfig({
        environment: environment.settings,
        ciphers: new Ciphers(environment.config.keys),
        logger: broker.getLogger("config"),
      });
      attachNode(broker, { environment, config, store, topics, health, resilience, metrics, tracer });
      resilience.policies = livePolicies(broker);
      registerProbes(broker, environment, store, health);
      broker.createService(operationsService(broker, levels));
      measureHealth(health, metrics);
      if (environment.natsUrl && environment.kafkaBrokers.length === 0)
        broker.logger.warn("NATS_URL without KAFKA_BROKERS: other nodes do not get the events of topics");
    },
    started: (broker: ServiceBroker) => enter(broker, "running"),
    async stopped(broker: ServiceBroker) {
      await nodeOf(broker).topics.close();
      await tracer.close();
    },
  };
}

export default brokerOptions(readEnvironment());
