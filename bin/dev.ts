import "dotenv/config";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type BrokerOptions, Runner, type ServiceBroker } from "moleculer";
import { readEnvironment } from "../lib/environment";
import { demandPorts, serviceFiles, welcome } from "../lib/hosting";
import {
  codeState,
  forget,
  keepRunningMiddleware,
  libraries,
  type Phase,
  whenItLoads,
} from "../mixins/keep-running.middleware";
import { drainOnSignal } from "../mixins/lifecycle";
import { openConsole } from "../repl/console";

const CONFIG = join(__dirname, "..", "moleculer.config.ts");

/**
 * Moleculer's runner with hot reload and REPL: an edited service, or what it imports, answers with the new code a moment
 * later; an edited kernel file or configuration restarts the broker. Code that does not load changes nothing.
 */
class DevRunner extends Runner implements Phase {
  phase: Phase["phase"] = "running";
  /** Of the same load as the broker: it knows the broker's node by module state. */
  lifecycle = require("../mixins/lifecycle") as typeof import("../mixins/lifecycle");
  private libraries = {};

  constructor(private readonly files: readonly string[]) {
    super();
  }

  override mergeOptions(options: Partial<BrokerOptions>): void {
    const middlewares = [...(options.middlewares ?? []), keepRunningMiddleware(this.files, this)];
    super.mergeOptions({ ...options, middlewares });
  }

  override async startBroker(): Promise<ServiceBroker> {
    this.lifecycle = require("../mixins/lifecycle");
    const broker = await super.startBroker();
    this.libraries = libraries();
    if (process.stdin.isTTY) await openConsole(broker);
    return broker;
  }

  /** Those given, whatever Moleculer would take SERVICES for: to it, a list of file names. */
  override loadServices(): void {
    for (const file of this.files) this.broker?.loadService(file);
  }

  /** Hot reload has emptied the require cache, which is too much: a broker and its services need one Moleculer. */
  override async restartBroker(): Promise<ServiceBroker> {
    this.phase = "restarting";
    const old = this.broker as ServiceBroker;
    Object.assign(require.cache, this.libraries);
    let seen: string;
    do {
      forget();
      await whenItLoads({
        load: () => {
          for (const file of [CONFIG, ...this.files]) require(file);
        },
        onError: (text) => old.logger.error(`The broker goes on with its old code, the new one fails: ${text}`),
        wanted: () => this.phase === "restarting",
      });
      seen = codeState();
      if (this.phase !== "restarting") return old;
      await super.restartBroker();
    } while (codeState() !== seen);
    this.phase = "running";
    return this.broker as ServiceBroker;
  }
}

/** `--only order,payment` hosts those services, whatever SERVICES says. */
async function start(): Promise<void> {
  const { only } = parseArgs({ options: { only: { type: "string" } } }).values;
  const environment = readEnvironment({ ...process.env, SERVICES: only ?? process.env.SERVICES });
  if (only !== undefined && environment.services.length === 0) throw new Error("--only names no service");
  const files = serviceFiles(environment, only === undefined ? "SERVICES" : "--only");
  await demandPorts(files, environment);
  // Read again at each start of the broker: under another name the cluster would take the one before for dead.
  Object.assign(process.env, { SERVICES: environment.services.join(","), NODE_ID: environment.nodeId });

  const runner = new DevRunner(files);
  drainOnSignal(
    () => runner.broker ?? undefined,
    (broker) => {
      runner.phase = "ending";
      return runner.lifecycle.drain(broker);
    },
  );
  const broker = await runner.start([process.execPath, __filename, "--hot", "--config", CONFIG]);
  if (!broker) return;
  await runner.lifecycle.ready(broker);
  process.stdout.write(welcome(environment));
}

start().catch((error: unknown) => {
  process.stderr.write(`The shop does not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
