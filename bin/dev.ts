import "dotenv/config";
import { join } from "node:path";
import { Runner, type ServiceBroker } from "moleculer";
import { readEnvironment } from "../lib/environment";
import { serviceFiles } from "../lib/hosting";
import { drainOnSignal } from "../mixins/lifecycle";

/**
 * Moleculer's runner with hot reload and REPL: an edited service, or what it imports, answers with the new code a moment
 * later; an edited kernel file or configuration restarts the broker. `--only order,payment` hosts those services.
 */
const only = process.argv.indexOf("--only");
const named = only > 0 ? process.argv[only + 1] : process.env.SERVICES;
const files = serviceFiles(readEnvironment({ ...process.env, SERVICES: named ?? "" }));
// The runner has its own meaning for this variable: a list of file names.
delete process.env.SERVICES;

const runner = new Runner();
const config = join(__dirname, "..", "moleculer.config.ts");
const repl = process.stdin.isTTY ? ["--repl"] : [];
drainOnSignal(() => (runner as { broker?: ServiceBroker }).broker);
void runner.start([process.execPath, __filename, "--hot", ...repl, "--config", config, ...files]);
