import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type BrokerOptions, ServiceBroker, type ServiceSchema } from "moleculer";
import { type Call, callOf, type Meta } from "../../lib/actions";
import { readEnvironment } from "../../lib/environment";
import { brokerOptions } from "../../moleculer.config";

export interface TestNode {
  broker: ServiceBroker;
  /** A typed call of what services ask of each other. */
  call: Call;
  /** A call as the gateway makes it: any action, with what it read from the request. */
  as: <R>(meta: Meta, action: string, params?: object) => Promise<R>;
  dataDir: string;
  stop: () => Promise<void>;
}

/**
 * A node in this process with the given services, on files in a folder of its own unless `environment` says otherwise.
 * The operations port is any free one; `options` go before those that the environment makes.
 */
export async function startNode(
  services: ((broker: ServiceBroker) => ServiceSchema)[],
  environment: Record<string, string> = {},
  options: BrokerOptions = {},
): Promise<TestNode> {
  const own = environment.DATA_DIR ? undefined : mkdtempSync(join(tmpdir(), "shop-"));
  const dataDir = own ?? environment.DATA_DIR ?? "";
  const settings = { DATA_DIR: dataDir, OPS_PORT: "0", LOG_LEVEL: "fatal", DEMO_DATA: "off", ...environment };
  const broker = new ServiceBroker({ ...brokerOptions(readEnvironment(settings)), ...options });
  for (const service of services) broker.createService(service(broker));
  try {
    await broker.start();
  } catch (error) {
    // What did start would keep the test's process alive.
    await broker.stop();
    throw error;
  }
  return {
    broker,
    call: callOf(broker),
    as: <R>(meta: Meta, action: string, params: object = {}) => broker.call<R, object>(action, params, { meta }),
    dataDir,
    async stop() {
      await broker.stop();
      if (own) rmSync(own, { recursive: true, force: true });
    },
  };
}

/** Resolves with the first value of `look` that is not undefined or false; fails after `withinMs`. */
export async function eventually<T>(
  look: () => Promise<T> | T,
  withinMs = 10_000,
): Promise<Exclude<T, false | null | undefined>> {
  const until = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, false | null | undefined>;
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms`);
    await setTimeout(10);
  }
}
