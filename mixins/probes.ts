import type { ServiceBroker } from "moleculer";
import type { Environment } from "../lib/environment";
import type { Health } from "../lib/health";
import { nodeOf } from "../lib/node";
import type { Store } from "../lib/store/collection";
import { LenientRedisCacher } from "./cacher";
import { natsClient } from "./nats";

/** Tells readiness how to ask each server that the environment names. */
export function registerProbes(broker: ServiceBroker, environment: Environment, store: Store, health: Health): void {
  health.register(environment.mongoUrl ? "mongo" : "store", { importance: "required", probe: () => store.ping() });
  if (environment.natsUrl)
    health.register("nats", {
      importance: "required",
      async probe() {
        const client = natsClient(broker);
        if (!client) throw new Error("not connected");
        await client.flush();
      },
    });
  if (environment.natsUrl && environment.kafkaBrokers.length === 0)
    health.register("kafka", {
      importance: "optional",
      probe: () => Promise.reject(new Error("events of topics do not reach other nodes")),
    });
  if (environment.kafkaBrokers.length > 0)
    health.register("kafka", { importance: "optional", probe: () => nodeOf(broker).topics.ping() });
  if (environment.redisUrl)
    health.register("redis", {
      importance: "optional",
      async probe() {
        if (broker.cacher instanceof LenientRedisCacher) await broker.cacher.client.ping();
      },
    });
}
