import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Servers, servers } from "../../../lib/infra";
import { type Balancer, balance } from "../../../lib/infra/balancer";
import { launchNode, nodePorts, type ShopNode } from "../../../lib/infra/nodes";
import { freeRange } from "../../../lib/infra/ports";
import { type Supervised, supervise } from "../../../lib/infra/supervisor";
import { type ChatFault, describeFault } from "./faults";

/** What each node hosts; the one for all the rest is not killed. */
const HOSTED = {
  "rest.1": ["auth", "user", "product", "order", "payment", "notification"],
  "api.1": ["api"],
  "api.2": ["api"],
  "chat.1": ["chat"],
  "chat.2": ["chat"],
} as const;
type NodeName = keyof typeof HOSTED;
const NAMES = Object.keys(HOSTED) as NodeName[];
const GATEWAYS = [NAMES.indexOf("api.1"), NAMES.indexOf("api.2")];

/** Ports from the first on: ten of the servers, ten for each node, and the balancer's. */
const PORTS = { servers: 0, nodes: 10, balancer: 60, all: 61 };
const READY_MS = 180_000;
/** A node that died counts as one that is there for so long: heartbeats are 6 s late, and looked at every few seconds. */
const NOTICED_MS = 12_000;

interface Trouble {
  since: number;
  until: number;
}

/** Two gateways, two chat nodes and one node for the rest, on servers of their own in a folder of their own. */
export class ChatCluster {
  /** How nodes ended that nobody here had killed. */
  readonly deaths: string[] = [];
  readonly servers: Servers;
  /** In front of both gateways; and theirs, for sockets. */
  readonly origin: string;
  readonly gateways: readonly string[];
  private readonly nodes = new Map<NodeName, Supervised<ShopNode>>();
  private readonly readiness = new WeakMap<ShopNode, Promise<void>>();
  private readonly killed = new Set<number>();
  private readonly troubles: Trouble[] = [];
  private balancer: Balancer | undefined;
  private starting: Promise<unknown> = Promise.resolve();
  private over: Promise<unknown> = Promise.resolve();
  private noticed: Promise<unknown> = Promise.resolve();
  private closing = false;

  private constructor(
    private readonly dir: string,
    private readonly firstPort: number,
  ) {
    this.origin = `http://127.0.0.1:${firstPort + PORTS.balancer}`;
    this.gateways = GATEWAYS.map((index) => `http://127.0.0.1:${this.portsOf(index).http}`);
    this.servers = servers({ dir: join(dir, "servers"), basePort: firstPort + PORTS.servers, given: {} });
    mkdirSync(join(dir, "logs"), { recursive: true });
  }

  static async in(dir: string): Promise<ChatCluster> {
    return new ChatCluster(dir, await freeRange(PORTS.all));
  }

  /** Resolves when every node is ready. */
  async start(): Promise<void> {
    this.starting = this.servers.start();
    await this.starting;
    if (this.closing) return;
    const env = await this.environment();
    for (const [index, name] of NAMES.entries()) this.startNode(name, index, env);
    this.balancer = await balance(
      this.firstPort + PORTS.balancer,
      GATEWAYS.map((index) => this.portsOf(index).http),
    );
    await Promise.all(NAMES.map((name) => this.serving(name)));
  }

  /** Whether a node or a server was away at some time from then until now. */
  disturbedSince = (since: number): boolean => this.troubles.some(({ until }) => until >= since);

  /** Resolves when it has begun; what the fault before it broke is whole again by then, but perhaps not known to be. */
  async inflict(fault: ChatFault): Promise<void> {
    await this.over;
    const trouble: Trouble = { since: Date.now(), until: Number.POSITIVE_INFINITY };
    this.troubles.push(trouble);
    if (fault.kind === "kill") await this.kill(fault.node);
    else if (!this.closing) await this.servers.kill("nats");
    this.over = this.recovered(fault).catch((error: unknown) => {
      if (!this.closing) this.deaths.push(`after ${describeFault(fault)}: ${String(error)}`);
    });
    this.noticed = Promise.all([this.over, sleep(NOTICED_MS)]).then(() => {
      trouble.until = Date.now();
    });
  }

  /** Resolves when what was broken is whole again, and everybody knows. */
  ended(): Promise<unknown> {
    return this.noticed;
  }

  /** Ends everything, wherever starting has come to; `gently` keeps the servers' data whole. */
  async close({ gently = false } = {}): Promise<void> {
    this.closing = true;
    for (const life of this.nodes.values()) life.kill();
    this.balancer?.close();
    this.balancer?.destroy();
    await Promise.allSettled([this.starting, this.over]);
    await (gently ? this.servers.stop() : this.servers.kill());
    await Promise.all([...this.nodes.values()].map(({ current }) => current.exited));
  }

  private async kill(name: NodeName): Promise<void> {
    const { pid, signal } = await this.serving(name);
    this.killed.add(pid);
    signal("SIGKILL");
  }

  private async recovered(fault: ChatFault): Promise<void> {
    if (fault.kind === "kill") {
      // Its death is not seen at once: the process before is not to be taken for the next one.
      await sleep(100);
      await this.serving(fault.node);
    } else {
      await sleep(fault.ms);
      if (this.closing) return;
      await this.servers.start("nats");
      await Promise.all([...this.nodes.values()].map(({ current }) => current.ready(READY_MS)));
    }
  }

  /** The node's process of now, once it has been ready. */
  private async serving(name: NodeName): Promise<ShopNode> {
    const life = this.nodes.get(name);
    const end = Date.now() + READY_MS;
    while (life && !this.closing) {
      const node = life.current;
      try {
        await this.readiness.get(node);
        if (node.running && !this.killed.has(node.pid)) return node;
      } catch (error) {
        if (node.running || Date.now() > end) throw error;
      }
      await sleep(50);
    }
    throw new Error(`${name} does not run`);
  }

  private portsOf(index: number) {
    return nodePorts(this.firstPort + PORTS.nodes, index);
  }

  private async environment(): Promise<Record<string, string | undefined>> {
    return {
      ...(await this.servers.env()),
      WEB_URL: this.origin,
      PAYMENT_PROVIDER: "sandbox",
      DATA_DIR: join(this.dir, "data"),
      NODE_ENV: "test",
      LOG_LEVEL: "warn",
      LOG_FORMAT: "json",
      RATE_LIMIT: "off",
      LEASE_MS: "2000",
      // Short enough for tokens to be renewed within a run.
      JWT_ACCESS_SECONDS: "120",
      // Whatever the environment or a .env of whoever runs this says.
      SMTP_URL: "",
      ZIPKIN_URL: "",
      CORS_ORIGINS: "",
      CRASH_AT: "",
    };
  }

  private startNode(name: NodeName, index: number, env: Record<string, string | undefined>): void {
    const log = createWriteStream(join(this.dir, "logs", `${name}.log`), { flags: "a" });
    const onLine = (line: string) => void log.write(`${line}\n`);
    const start = () => {
      const node = launchNode({
        name,
        services: HOSTED[name],
        ports: this.portsOf(index),
        env,
        onLine,
        ownGroup: true,
      });
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
}
