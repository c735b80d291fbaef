import "dotenv/config";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import type { Environment } from "../lib/environment";
import { nodeOf } from "../lib/node";

const root = join(__dirname, "..");
const FORCE_EXIT_MS = 9500;

/** The service files of the folders that the environment names, all of them unless it names any. */
function serviceFiles({ services, payment }: Environment): string[] {
  const folders = readdirSync(join(root, "services"));
  const unknown = services.filter((name) => !folders.includes(name));
  if (unknown.length > 0) throw new Error(`SERVICES names what is not a service here: ${unknown.join(", ")}`);
  const hosted = services.length > 0 ? services : folders;
  return hosted
    .flatMap((folder) =>
      readdirSync(join(root, "services", folder)).map((file) => join(root, "services", folder, file)),
    )
    .filter((file) => /\.service\.(ts|js)$/.test(file))
    .filter((file) => !(file.includes("sandbox.service") && (payment.sandbox.url || payment.provider !== "sandbox")));
}

function welcome(environment: Environment, seconds: string): void {
  const lines = [`\n  The shop is ready (${seconds} s).\n`];
  if (environment.services.length === 0 || environment.services.includes("api"))
    lines.push(
      `  API         http://localhost:${environment.port}/api/v1`,
      `  Reference   http://localhost:${environment.port}/docs`,
    );
  lines.push(`  Health      http://localhost:${environment.opsPort}/health/ready`);
  if (environment.demoData)
    lines.push(
      "",
      "  Accounts    customer@example.com   agent@example.com   admin@example.com",
      "  Password    demo-password-1234",
    );
  process.stdout.write(`${lines.join("\n")}\n\n`);
}

/** SIGTERM and SIGINT: refuse readiness, take connections for a moment more, finish what is in flight, end with 0. */
function stopOnSignal(broker: ServiceBroker): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    const { environment, health } = nodeOf(broker);
    health.state = "draining";
    setTimeout(() => process.exit(1), FORCE_EXIT_MS).unref();
    await new Promise((resolve) => setTimeout(resolve, environment.drainMs));
    await broker.stop();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop());
}

async function start(): Promise<void> {
  // Loaded here so that a wrong variable is reported like any other reason not to start.
  const { default: options } = require("../moleculer.config") as typeof import("../moleculer.config");
  const broker = new ServiceBroker(options);
  const { environment } = nodeOf(broker);
  stopOnSignal(broker);
  for (const file of serviceFiles(environment)) broker.loadService(file);
  await broker.start();
  welcome(environment, process.uptime().toFixed(1));
}

start().catch((error: unknown) => {
  const message = error instanceof Error ? (error.name === "EnvironmentError" ? error.message : error.stack) : error;
  process.stderr.write(`The shop does not start: ${String(message)}\n`);
  process.exit(1);
});
