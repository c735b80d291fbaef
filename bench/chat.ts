import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { launchNode } from "../lib/infra/nodes";
import { freePorts } from "../lib/infra/ports";
import { entryCommand, launch, untilReady } from "../lib/infra/processes";
import type { ConversationView } from "../services/chat/chat.schema";
import { expectStatus, PASSWORD, Shop } from "../test/e2e/shop";
import type { Order, Ran } from "./chat-clients";
import { medians, row } from "./load";

/**
 * `npm run bench:chat`: messages over 500 sockets, beside a bare Socket.IO server that passes them on in rooms, by turns in
 * one run. Embedded, or on `MONGO_URL`, `REDIS_URL`, `NATS_URL` and `KAFKA_BROKERS` where they are set.
 */
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const SOCKETS = Number(process.env.BENCH_SOCKETS ?? 500);
const RATE = Number(process.env.BENCH_RATE ?? 1000);
/** Conversations of each agent, as many as one may have. */
const PLACES = 20;
const AGENTS = Math.ceil(SOCKETS / (PLACES + 1));
const SIGNING_UP_AT_ONCE = 4;
const SETTLE_MS = 3000;

/** In the order of connecting: whoever helps first, as conversations are given to them. */
interface Parties {
  agents: string[];
  customers: { token: string; conversationId: string; agent: number }[];
}

async function inParallel<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  const waiting = Array.from({ length: count }, (_, index) => index).values();
  const worker = async () => {
    for (const index of waiting) done[index] = await work(index);
  };
  await Promise.all(Array.from({ length: SIGNING_UP_AT_ONCE }, worker));
  return done;
}

/** Everybody is signed up, and each customer has an agent. */
async function parties(shop: Shop): Promise<Parties> {
  const admin = (await shop.admin()).accessToken;
  const agents = await inParallel(AGENTS, async (index) => {
    const { user } = await shop.register(`Agent ${index}`);
    const body = { roles: ["agent"] };
    expectStatus(await shop.call("PATCH", `/users/${user.id}`, { token: admin, body }), 200);
    const { accessToken: token } = await shop.login(user.email, PASSWORD);
    const status = { status: "away", capacity: PLACES };
    expectStatus(await shop.call("PUT", "/agents/me", { token, body: status }), 200);
    return token;
  });
  const customers = await inParallel(SOCKETS - AGENTS, async (index) => {
    const { accessToken: token } = await shop.register(`Customer ${index}`);
    const opened = await shop.call<ConversationView>("POST", "/conversations", { token, body: {} });
    const { id } = expectStatus(opened, 201);
    const agent = Math.floor(index / PLACES);
    expectStatus(await shop.call("POST", `/conversations/${id}/claim`, { token: agents[agent], body: {} }), 200);
    return { token, conversationId: id, agent };
  });
  return { agents, customers };
}

class Clients {
  private readonly child: ChildProcess = fork(join(__dirname, "chat-clients.ts"), {
    execArgv: ["--require", require.resolve("tsx/cjs")],
  });

  tell<R>(order: Order): Promise<R> {
    return new Promise((resolve, reject) => {
      this.child.once("message", (answer: { done?: R; failed?: string }) =>
        answer.failed === undefined ? resolve(answer.done as R) : reject(new Error(answer.failed)),
      );
      this.child.send(order);
    });
  }
  end(): void {
    this.child.kill();
  }
}

/** Resident memory of a process, in KiB. */
const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

async function connected(clients: Clients, pid: number, order: Extract<Order, { kind: "connect" }>): Promise<string> {
  await delay(SETTLE_MS);
  const before = memoryOf(pid);
  await clients.tell(order);
  await delay(SETTLE_MS);
  return `${((memoryOf(pid) - before) / order.clients.length).toFixed(1)} KiB`;
}

async function measure(clients: Clients, memory: { shop: string; bare: string }): Promise<void> {
  for (const rate of [undefined, RATE]) {
    const runs: { shop: Ran[]; bare: Ran[] } = { shop: [], bare: [] };
    for (let round = 0; round < ROUNDS; round++)
      for (const to of ["shop", "bare"] as const)
        runs[to].push(await clients.tell<Ran>({ kind: "run", to, seconds: SECONDS, rate }));
    const how = rate === undefined ? "as fast as answered" : `at ${rate}/s`;
    for (const to of ["shop", "bare"] as const) {
      const undelivered = runs[to].reduce((sum, run) => sum + run.undelivered, 0);
      console.log(row(`${to}, ${how}: acknowledged`, medians(runs[to].map(({ acks }) => acks))));
      const lost = undelivered > 0 ? `${undelivered} did not come` : "";
      console.log(row("  delivered to the other side", medians(runs[to].map(({ delivery }) => delivery)), lost));
    }
  }
  console.log(`memory for each socket: shop ${memory.shop}, bare ${memory.bare}`);
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const [http = 0, ops = 0, sandbox = 0, port = 0] = await freePorts(4);
  const env = {
    DATA_DIR: dir,
    LOG_LEVEL: "warn",
    RATE_LIMIT: "off",
    NODE_ENV: "development",
    JWT_ACCESS_SECONDS: "7200",
  };
  const node = launchNode({ name: "shop", ports: { http, ops, sandbox }, env });
  const { command, args } = entryCommand(join(__dirname, "bare-socket.ts"));
  const bare = launch({ name: "bare", command, args: [...args, String(port)] });
  const clients = new Clients();
  try {
    await Promise.all([node.ready(), untilReady(bare, `http://127.0.0.1:${port}`)]);
    const shop = new Shop(`http://127.0.0.1:${http}`);
    const { agents, customers } = await parties(shop);
    const toShop = [
      ...agents.map((token) => ({ auth: { token } })),
      ...customers.map(({ token, conversationId }) => ({ auth: { token }, conversationId })),
    ];
    const ofAgent = (agent: number) => customers.filter((one) => one.agent === agent).map((one) => one.conversationId);
    const toBare = [
      ...agents.map((_, agent) => ({ auth: { rooms: ofAgent(agent) } })),
      ...customers.map(({ conversationId }) => ({ auth: { rooms: [conversationId] }, conversationId })),
    ];
    const memory = {
      shop: await connected(clients, node.pid, { kind: "connect", to: "shop", origin: shop.origin, clients: toShop }),
      bare: await connected(clients, bare.pid, {
        kind: "connect",
        to: "bare",
        origin: `http://127.0.0.1:${port}`,
        clients: toBare,
      }),
    };
    const store = process.env.MONGO_URL ? "MongoDB" : "embedded";
    console.log(`${store}, ${SOCKETS} sockets, ${customers.length} conversations, ${ROUNDS} x ${SECONDS} s, medians`);
    console.log(`${"".padEnd(34)}${"rate".padStart(10)}${"p50".padStart(12)}${"p99".padStart(12)}`);
    await measure(clients, memory);
  } finally {
    clients.end();
    await Promise.all([node.stop(), bare.stop()]);
    rmSync(dir, { recursive: true, force: true });
  }
}

void main();
