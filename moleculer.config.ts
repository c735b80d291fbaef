import { join } from "node:path";
import type { BrokerOptions, ServiceBroker } from "moleculer";
import { type Environment, readEnvironment } from "./lib/environment";
import { Health } from "./lib/health";
import { pinoOptions, prettyDestination } from "./lib/logging";
import { Metrics } from "./lib/metrics";
import { attachNode, nodeOf } from "./lib/node";
import { MongoStore } from "./lib/store/mongo";
import { NedbStore } from "./lib/store/nedb";
import { EventLog } from "./lib/topics/event-log";
import { KafkaTopics } from "./lib/topics/kafka";
import type { Topics } from "./lib/topics/topics";
import { cacherFor } from "./mixins/cacher";
import { countsAsFailure, ErrorRegenerator, isTriedAgain } from "./mixins/errors";
import { hedgingMiddleware } from "./mixins/hedging.middleware";
import { idempotencyMiddleware } from "./mixins/idempotency.mixin";
import { metricsMiddleware } from "./mixins/metrics.middleware";
import { natsReconnects } from "./mixins/nats";
import { operationsMiddleware } from "./mixins/operations.middleware";
import { registerProbes } from "./mixins/probes";
import { requestScopeMiddleware } from "./mixins/request-scope.middleware";
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

/** The broker of one node. Each external part is chosen here, from the environment, and nowhere else. */
export function brokerOptions(environment: Environment): BrokerOptions {
  const health = new Health();
  const metrics = new Metrics();
  const store = environment.mongoUrl ? new MongoStore(environment.mongoUrl) : new NedbStore(environment.dataDir);

  return {
    namespace: environment.namespace,
    nodeID: environment.nodeId,
    logger: {
      type: "Pino",
      options: {
        level: environment.log.level === "info" ? { "REGISTRY*": "warn", "**": "info" } : environment.log.level,
        pino: {
          options: pinoOptions,
          ...(environment.log.format === "pretty" && { destination: prettyDestination() }),
        },
      },
    } as BrokerOptions["logger"],

    transporter: environment.natsUrl
      ? { type: "NATS", options: { servers: environment.natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 500 } }
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
    circuitBreaker: {
      enabled: true,
      threshold: 0.5,
      windowTime: 30,
      minRequestCount: 20,
      halfOpenTime: 3000,
      check: countsAsFailure,
    },
    bulkhead: { enabled: true, concurrency: 200, maxQueueSize: 2000 },

    cacher: cacherFor(environment.redisUrl, environment.namespace),
    validator: new JsonSchemaValidator({}),
    errorRegenerator: new ErrorRegenerator(),
    skipProcessEventRegistration: true,
    replOptions: { customCommands: replCommands, delimiter: "shop $" },

    // The first is the innermost: idempotency sees params that were validated.
    middlewares: [
      idempotencyMiddleware(environment.leaseMs),
      metricsMiddleware(metrics),
      hedgingMiddleware(metrics),
      requestScopeMiddleware,
      natsReconnects,
      operationsMiddleware(environment.opsPort),
    ],
    created(broker: ServiceBroker) {
      const topics = topicsFor(environment, broker.getLogger("topics"));
      attachNode(broker, { environment, store, topics, health, metrics });
      registerProbes(broker, environment, store, health);
      if (environment.natsUrl && environment.kafkaBrokers.length === 0)
        broker.logger.warn("NATS_URL without KAFKA_BROKERS: other nodes do not get the events of topics");
    },
    started() {
      health.state = "running";
    },
    stopped: (broker: ServiceBroker) => nodeOf(broker).topics.close(),
  };
}

export default brokerOptions(readEnvironment());
