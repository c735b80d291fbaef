import "dotenv/config";
import { setTimeout as sleep } from "node:timers/promises";
import { serviceNames } from "../lib/hosting";
import { startedServers } from "../lib/infra";
import { type Balancer, balance } from "../lib/infra/balancer";
import { demandFree, launchNode, type NodePorts, nodePorts, type ShopNode } from "../lib/infra/nodes";
import { until } from "../lib/infra/ports";
import { entryCommand, type Launched, launch } from "../lib/infra/processes";
import { type Supervised, supervise } from "../lib/infra/supervisor";

/** The gateways last: whoever starts later finds most of what it asks for. */
const SERVICES = serviceNames().sort((a, b) => Number(a === "api") - Number(b === "api"));
const INSTANCES = 2;
const READY_MS = 180_000;

const port = Number(process.env.PORT) || 3000;
const base = Number(process.env.CLUSTER_PORT) || port + 100;
const sandboxPort = Number(process.env.SANDBOX_PORT) || base - 10;
const start = entryCommand(process.env.CLUSTER_ENTRY || "start");
const sandbox = entryCommand(process.env.CLUSTER_SANDBOX_ENTRY || "sandbox");

interface Member {
  service: string;
  instance: number;
  ports: NodePorts;
  life: Supervised<ShopNode>;
}

const say = (text: string) => console.log(`[cluster] ${text}`);
const prefix = (name: string) => (line: string) => console.log(`[${name}] ${line}`);

/** The environment's servers, else those that `npm run infra` started. */
async function serverAddresses(): Promise<Record<string, string>> {
  const set = await startedServers();
  const down = (await set.status()).filter(({ state }) => state !== "running" && state !== "given");
  if (down.length === 0) return set.env();
  const names = down.map(({ name, state }) => `${name} (${state})`).join(", ");
  throw new Error(
    `Not running: ${names}. Start them: npm run infra, or set NATS_URL, MONGO_URL, REDIS_URL and KAFKA_BROKERS.`,
  );
}

function keepAlive<T extends Launched>(name: string, run: () => T): Supervised<T> {
  return supervise({
    start: run,
    onDeath: (dead, { code, signal }, delay) =>
      say(`${name} (pid ${dead.pid}) ended by ${signal ?? `exit ${code}`}; started again in ${delay / 1000} s`),
    onRestart: (next) => say(`${name} runs again, pid ${next.pid}`),
  });
}

function startMembers(env: Record<string, string>): Member[] {
  const places = SERVICES.flatMap((service) =>
    Array.from({ length: INSTANCES }, (_, index) => [service, index + 1] as const),
  );
  return places.map(([service, instance], index) => {
    const name = `${service}.${instance}`;
    const ports = nodePorts(base, index);
    const node = { name, services: [service], ports, command: start, env, ownGroup: true, onLine: prefix(name) };
    return { service, instance, ports, life: keepAlive(name, () => launchNode(node)) };
  });
}

/** One payment gateway that all payment nodes ask. */
function startSandbox(env: Record<string, string>): Supervised<Launched> {
  const own = { ...env, SANDBOX_PORT: String(sandboxPort) };
  const run = () => launch({ name: "sandbox", ...sandbox, env: own, ownGroup: true, onLine: prefix("sandbox") });
  return keepAlive("sandbox", run);
}

/** A member that dies over and over while the cluster starts is a mistake that waiting won't mend. */
async function untilReady({ life }: Member) {
  const end = Date.now() + READY_MS;
  for (;;) {
    try {
      return await life.current.ready(2000);
    } catch (error) {
      if (life.restarts > 2 || Date.now() > end) throw error;
      await sleep(200);
    }
  }
}

async function allReady(members: readonly Member[]) {
  const waiting = new Set(members.map(({ life }) => life.current.name));
  const reminder = setInterval(() => say(`waiting for ${[...waiting].join(", ")}`), 15_000);
  const each = members.map(async (member) => {
    await untilReady(member);
    waiting.delete(member.life.current.name);
  });
  await Promise.all(each).finally(() => clearInterval(reminder));
}

/** One address of each service: a gateway that does not know it yet answers 404. */
const ROUTES = [
  "/auth/sessions",
  "/users/me",
  "/products?limit=1",
  "/cart",
  "/payments/none",
  "/conversations",
  "/notifications",
  "/config/application/default",
];

/** A gateway is ready with the services it knows; it hears of the last ones a moment after they are. */
async function untilRouted({ ports }: Member): Promise<void> {
  for (const route of ROUTES)
    await until(`a route to ${route}`, async () => {
      const answer = await fetch(`http://127.0.0.1:${ports.http}/api/v1${route}`).catch(() => undefined);
      return answer !== undefined && answer.status !== 404 && answer.status !== 503;
    });
}

function table(members: readonly Member[]): string {
  const rows = members.map(({ service, instance, ports, life }) =>
    [
      service.padEnd(14),
      String(instance).padEnd(9),
      String(life.current.pid).padEnd(9),
      ports.http,
      "  ",
      ports.ops,
    ].join(""),
  );
  return ["service       instance pid      PORT  OPS_PORT", ...rows].join("\n");
}

const lives: Supervised<Launched>[] = [];
let balancer: Balancer | undefined;
let stopping = false;
let stoppingSince = 0;

/** The first signal lets everything finish what it has; the second does not. */
function onSignal(signal: NodeJS.Signals) {
  if (stopping) {
    // One Ctrl-C comes twice, from the terminal and from npm.
    if (Date.now() - stoppingSince < 500) return;
    say(`${signal} again: killing`);
    for (const life of lives) life.kill();
    return;
  }
  stopping = true;
  stoppingSince = Date.now();
  say(`${signal}: stopping`);
  balancer?.close();
  void Promise.all(lives.map((life) => life.stop())).then(() => {
    say("stopped");
    process.exit(0);
  });
}

async function main() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const web = `http://127.0.0.1:${port}`;
  const env = {
    ...(await serverAddresses()),
    WEB_URL: process.env.WEB_URL || web,
    SANDBOX_URL: process.env.SANDBOX_URL || `http://127.0.0.1:${sandboxPort}`,
  };
  const nodes = Array.from({ length: SERVICES.length * INSTANCES }, (_, index) => nodePorts(base, index));
  await demandFree({
    PORT: [port],
    CLUSTER_PORT: nodes.flatMap(({ http, ops }) => [http, ops]),
    SANDBOX_PORT: process.env.SANDBOX_URL ? [] : [sandboxPort],
  });
  if (stopping) return;

  const members = startMembers(env);
  lives.push(...members.map(({ life }) => life));
  if (!process.env.SANDBOX_URL) lives.push(startSandbox(env));
  say(`starting ${lives.length} processes`);
  await allReady(members);
  if (stopping) return;
  const gateways = members.filter(({ service }) => service === "api");
  await Promise.all(gateways.map(untilRouted));
  balancer = await balance(
    port,
    gateways.map(({ ports }) => ports.http),
  );
  console.log(`\n${table(members)}\nsandbox ${env.SANDBOX_URL}\n\nThe shop: ${web}  Stop it: Ctrl-C\n`);
}

main().catch(async (error: unknown) => {
  if (stopping) return;
  stopping = true;
  say(error instanceof Error ? error.message : String(error));
  await Promise.all(lives.map((life) => life.stop()));
  process.exit(1);
});
