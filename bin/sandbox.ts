import "dotenv/config";
import { ServiceBroker } from "moleculer";
import { readEnvironment } from "../lib/environment";
import { sandboxUrl } from "../services/payment/sandbox/address";
import sandboxService from "../services/payment/sandbox.service";

/** The payment sandbox alone, for a shop that names it with SANDBOX_URL. */
async function start(): Promise<void> {
  // Loaded here so that a wrong variable is reported like any other reason not to start.
  const { brokerOptions } = require("../moleculer.config") as typeof import("../moleculer.config");
  // Beside a shop on the same machine: the operations port is the shop's, and no discovery is needed.
  const environment = readEnvironment({ ...process.env, OPS_PORT: "0", SANDBOX_URL: "", NATS_URL: "" });
  const broker = new ServiceBroker(brokerOptions(environment));
  broker.createService(sandboxService(broker));
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      void broker.stop().then(() => process.exit(0));
    });
  await broker.start();
  process.stdout.write(`\n  The payment sandbox is ready: SANDBOX_URL=${sandboxUrl(broker, "browser")}\n\n`);
}

start().catch((error: unknown) => {
  process.stderr.write(`The sandbox does not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
