import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Servers, servers } from "../../lib/infra";
import { type Balancer, balance } from "../../lib/infra/balancer";
import { launchNode, nodePorts, type ShopNode } from "../../lib/infra/nodes";
import { freeRange } from "../../lib/infra/ports";
import { entryCommand, type Launched, launch } from "../../lib/infra/processes";
import { type Supervised, supervise } from "../../lib/infra/supervisor";
import { NODE_KINDS, type NodeKind, type NodeName, type RestartedServer } from "./faults";

/** Seconds that a customer has to pay: short enough for orders to expire within a run. */
export const PAYMENT_WINDOW_S = 20;
const READY_MS = 180_000;

const hostedBy = (kind: NodeKind): string[] => (kind === "auth" ? ["auth", "user"] : [kind]);

/** Ports of a cluster, from the first on: ten of the servers, ten for each node, and two. */
const PORTS = { servers: 0, nodes: 10, balancer: 110, sandbox: 111, all: 112 };

/** The shop as a cluster of processes on servers of its own, in a folder of its own. */
export class Cluster {
  /** How nodes ended that nobody here had killed. */
  readonly deaths: string[] = [];
  readonly origin: string;
  readonly servers: Servers;
  private readonly nodes = new Map<NodeName, Supervised<ShopNode>>();
  private readonly readiness = new WeakMap<ShopNode, Promise<void>>();
  private readonly killed = new Set<number>();
  private sandbox: Launched | undefined;
  private balancer: Balancer | undefined;
  private starting: Promise<unknown> = Promise.resolve();
  private restarting: Promise<unknown> = Promise.resolve();
  private closing = false;

  private constructor(
    private readonly dir: string,
    private readonly firstPort: number,
    private readonly faulty: Readonly<Record<string, string>>,
  ) {
    this.origin = `http://127.0.0.1:${firstPort + PORTS.balancer}`;
    this.servers = servers({ dir: join(dir, "servers"), basePort: firstPort + PORTS.servers, given: {} });
    mkdirSync(join(dir, "logs"), { recursive: true });
  }

  /** `faulty` is laid over the environment of every node. */
  static async in(dir: string, faulty: Readonly<Record<string, string>>): Promise<Cluster> {
    return new Cluster(dir, await freeRange(PORTS.all), faulty);
  }

  /** Resolves when every node is ready. */
  async start(): Promise<void> {
    this.starting = this.servers.start();
    await this.starting;
    if (this.closing) return;
    const env = await this.environment();
    this.startSandbox(env);
    NODE_KINDS.forEach((kind, place) => {
      for (const number of [1, 2] as const) this.startNode(kind, number, 2 * place + number - 1, env);
    });
    const gateways = [0, 1].map((index) => nodePorts(this.firstPort + PORTS.nodes, index).http);
    this.balancer = await balance(this.firstPort + PORTS.balancer, gateways);
    await Promise.all([...this.nodes.keys()].map((name) => this.serving(name)));
  }

  /** kill -9; it is started again at once. */
  async kill(name: NodeName): Promise<void> {
    const { pid, signal } = await this.serving(name);
    this.killed.add(pid);
    signal("SIGKILL");
  }

  /** Resolves when the node stands still. */
  async freeze(name: NodeName, ms: number): Promise<{ over: Promise<void> }> {
    const { signal } = await this.serving(name);
    signal("SIGSTOP");
    return { over: sleep(ms).then(() => signal("SIGCONT")) };
  }

  /** Resolves when the server is down; it stays so for `ms`. */
  async restart(server: RestartedServer, ms: number): Promise<{ over: Promise<void> }> {
    if (!this.closing) await this.servers.kill(server);
    const over = sleep(ms).then(() => (this.closing ? undefined : this.servers.start(server)));
    this.restarting = over.catch(() => undefined);
    return { over };
  }

  /** Ends everything, wherever starting has come to; `gently` keeps the servers' data whole. */
  async close({ gently = false } = {}): Promise<void> {
    this.closing = true;
    for (const life of this.nodes.values()) life.kill();
    this.balancer?.close();
    this.balancer?.destroy();
    await Promise.allSettled([this.starting, this.restarting, this.sandbox?.kill()]);
    await (gently ? this.servers.stop() : this.servers.kill());
    await Promise.all([...this.nodes.values()].map(({ current }) => current.exited));
  }

  /** The node's process of now, once it has been ready: a fault is to hit one that serves. */
  private async serving(name: NodeName): Promise<ShopNode> {
    const life = this.nodes.get(name);
    const end = Date.now() + READY_MS;
    while (life && !this.closing) {
      const node = life.current;
      try {
        await this.readiness.get(node);
        if (node.running) return node;
      } catch (error) {
        if (node.running || Date.now() > end) throw error;
      }
      await sleep(50);
    }
    throw new Error(`${name} does not run`);
  }

  private async environment(): Promise<Record<string, string | undefined>> {
    return {
      ...(await this.servers.env()),
      WEB_URL: this.origin,
      SANDBOX_URL: `http://127.0.0.1:${this.firstPort + PORTS.sandbox}`,
      PAYMENT_PROVIDER: "sandbox",
      DATA_DIR: join(this.dir, "data"),
      NODE_ENV: "test",
      LOG_LEVEL: "warn",
      LOG_FORMAT: "json",
      RATE_LIMIT: "off",
      LEASE_MS: "2000",
      ORDER_PAYMENT_WINDOW: String(PAYMENT_WINDOW_S),
      JWT_ACCESS_SECONDS: "7200",
      // Whatever the environment or a .env of whoever runs this says.
      SMTP_URL: "",
      ZIPKIN_URL: "",
      CRASH_AT: "",
      ...this.faulty,
    };
  }

  private startNode(kind: NodeKind, number: 1 | 2, index: number, env: Record<string, string | undefined>): void {
    const name: NodeName = `${kind}.${number}`;
    const ports = nodePorts(this.firstPort + PORTS.nodes, index);
    const onLine = this.logTo(name);
    const start = () => {
      const node = launchNode({ name, services: hostedBy(kind), ports, env, onLine, ownGroup: true });
      const ready = node.ready(READY_MS);
      this.readiness.set(node, ready);
      // One that dies before is started again; whoever waits for this one hears of it.
      ready.catch(() => undefined);
      return node;
    };
    const life = supervise({
      start,
      onDeath: (dead, { code, signal }) => {
        onLine(`ended by ${signal ?? `exit ${code}`}`);
        if (!this.killed.has(dead.pid)) this.deaths.push(`${name} ended by ${signal ?? `exit ${code}`}`);
      },
      onRestart: ({ pid }) => onLine(`started again, pid ${pid}`),
    });
    this.nodes.set(name, life);
  }

  /** The payment provider is not ours: it never fails. */
  private startSandbox(env: Record<string, string | undefined>): void {
    const own = { ...env, SANDBOX_PORT: String(this.firstPort + PORTS.sandbox) };
    const options = { ...entryCommand("sandbox"), env: own, onLine: this.logTo("sandbox"), ownGroup: true };
    this.sandbox = launch({ name: "sandbox", ...options });
  }

  private logTo(name: string): (line: string) => void {
    const log = createWriteStream(join(this.dir, "logs", `${name}.log`), { flags: "a" });
    return (line) => void log.write(`${line}\n`);
  }
}
