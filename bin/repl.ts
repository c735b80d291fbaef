import { hostname } from "node:os";
import { config } from "dotenv";
import { ServiceBroker } from "moleculer";
import { EnvironmentError } from "../lib/environment";
import { nodeOf } from "../lib/node";
import { drainOnSignal } from "../mixins/lifecycle";
import { LiveLevels } from "../mixins/live-levels";
import { openConsole } from "../repl/console";

/** A node of the cluster that hosts nothing and has Moleculer's console, also while a server other than NATS is away. */
async function start(): Promise<void> {
  // A port in `.env` is that of the shop on this machine, as is its name.
  const { OPS_PORT = "0", LOG_LEVEL = "error" } = process.env;
  config({ quiet: true });
  const own = { OPS_PORT, LOG_LEVEL, NODE_ID: `repl-${hostname()}-${process.pid}`, DRAIN_MS: "0" };
  // It hosts no service, so no service's secret is asked for.
  Object.assign(process.env, own, { SERVICES: "repl" });
  if (!process.env.NATS_URL?.trim())
    throw new EnvironmentError(
      "NATS_URL is not set. A shop without it is one process and has its console inside: npm start -- --repl",
    );
  // Loaded here so that it reads the above, and a wrong variable is reported like any other reason not to start.
  const { default: options } = require("../moleculer.config") as typeof import("../moleculer.config");
  const broker = new ServiceBroker(options);
  drainOnSignal(() => broker);
  // Whatever the nodes are configured to log, here it would stand between the answers.
  LiveLevels.of(broker).force(nodeOf(broker).environment.log.level);
  await broker.start();
  await openConsole(broker);
}

start().catch((error: unknown) => {
  const known = error instanceof Error && error.name === "EnvironmentError";
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  process.stderr.write(`The console does not start: ${text}\n`);
  process.exit(1);
});
