import "dotenv/config";
import { ServiceBroker } from "moleculer";
import { demandPorts, serviceFiles, welcome } from "../lib/hosting";
import { nodeOf } from "../lib/node";
import { drainOnSignal, ready } from "../mixins/lifecycle";
import { openConsole } from "../repl/console";

async function start(): Promise<void> {
  // Loaded here so that a wrong variable is reported like any other reason not to start.
  const { default: options } = require("../moleculer.config") as typeof import("../moleculer.config");
  const broker = new ServiceBroker(options);
  const { environment } = nodeOf(broker);
  const files = serviceFiles(environment);
  await demandPorts(files, environment);
  drainOnSignal(() => broker);
  for (const file of files) broker.loadService(file);
  await broker.start();
  await ready(broker);
  process.stdout.write(welcome(environment));
  if (process.argv.includes("--repl")) await openConsole(broker);
}

start().catch((error: unknown) => {
  const known = error instanceof Error && error.name === "EnvironmentError";
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  process.stderr.write(`The shop does not start: ${text}\n`);
  process.exit(1);
});
