import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ServerName, type Servers, servers } from "../../lib/infra";
import { type Balancer, balance } from "../../lib/infra/balancer";
import { launchNode, nodePorts, type ShopNode } from "../../lib/infra/nodes";
import { freeRange } from "../../lib/infra/ports";
import { type Supervised, supervise } from "../../lib/infra/supervisor";
import { commandOf } from "../compiled";
import { type Environment, logInto, nodeSettings } from "./settings";

const READY_MS = 180_000;

/** Ports from the first on: ten of the servers, ten for each node, the balancer's, and one that is left over. */
const portsFor = (nodes: number) => {
  const balancer = 10 + 10 * nodes;
  return { servers: 0, nodes: 10, balancer, spare: balancer + 1, all: balancer + 2 };
};

export interface Layout<N extends string> {
  /** A folder that is the cluster's own. */
  dir: string;
  /** What each node hosts; in front of those with `api` there is a balancer. */
  hosted: Readonly<Record<N, readonly string[]>>;
  /** Laid over the environment of every node. */
  env: Environment;
}

export const firstPortFor = (hosted: object): Promise<number> => freeRange(portsFor(Object.keys(hosted).length).all);

/** Nodes of the shop, each a process that is started again when it dies, on servers of their own. */
export class Nodes<N extends string> {
  /** How nodes ended that nobody here had killed. */
  readonly deaths: string[] = [];
  readonly servers: Servers;
  /** In front of all gateways; and each one's own, for sockets. */
  readonly origin: string;
  readonly gateways: readonly string[];
  /** Of one more process that nodes may need. */
  protected readonly sparePort: number;
  protected closing = false;
  private readonly names: readonly N[];
  private readonly lives = new Map<N, Supervised<ShopNode>>();
  private readonly readiness = new WeakMap<ShopNode, Promise<void>>();
  private readonly killed = new WeakSet<ShopNode>();
  private balancer: Balancer | undefined;
  private starting: Promise<unknown> = Promise.resolve();
  private restarting: Promise<unknown> = Promise.resolve();

  /** `firstPort` is from {@link firstPortFor}. */
  protected constructor(
    private readonly layout: Layout<N>,
    private readonly firstPort: number,
  ) {
    this.names = Object.keys(layout.hosted) as N[];
    const { balancer, servers: serverPorts, spare } = portsFor(this.names.length);
    this.origin = `http://127.0.0.1:${firstPort + balancer}`;
    this.gateways = this.gatewayPorts.map((port) => `http://127.0.0.1:${port}`);
    this.sparePort = firstPort + spare;
    this.servers = servers({ dir: join(layout.dir, "servers"), basePort: firstPort + serverPorts, given: {} });
    mkdirSync(join(layout.dir, "logs"), { recursive: true });
  }

  /** Resolves when every node is ready. */
  async start(): Promise<void> {
    this.starting = this.servers.start();
    await this.starting;
    if (this.closing) return;
    const env = this.startOthers(await this.environment());
    for (const name of this.names) this.lives.set(name, this.live(name, env));
    this.balancer = await balance(this.firstPort + portsFor(this.names.length).balancer, this.gatewayPorts);
    await Promise.all(this.names.map((name) => this.serving(name)));
  }

  /** The node's process of now, once it has been ready: a fault is to hit one that serves. */
  async serving(name: N): Promise<ShopNode> {
    const life = this.lives.get(name);
    const end = Date.now() + READY_MS;
    while (life && !this.closing) {
      const node = life.current;
      try {
        await this.readiness.get(node);
        if (node.running && !this.killed.has(node)) return node;
      } catch (error) {
        if (node.running || Date.now() > end) throw error;
      }
      await sleep(50);
    }
    throw new Error(`${name} does not run`);
  }

  /** kill -9; it is started again at once. */
  async kill(name: N): Promise<void> {
    const node = await this.serving(name);
    this.killed.add(node);
    node.signal("SIGKILL");
  }

  /** kill -9; resolves when the server is down. It stays so for `ms`. */
  async restart(server: ServerName, ms: number): Promise<{ over: Promise<void> }> {
    if (!this.closing) await this.servers.kill(server);
    const over = sleep(ms).then(() => (this.closing ? undefined : this.servers.start(server)));
    this.restarting = over.catch(() => undefined);
    return { over };
  }

  /** Resolves when every node says that it is ready. */
  async ready(): Promise<void> {
    await Promise.all([...this.lives.values()].map(({ current }) => current.ready(READY_MS)));
  }

  /** Ends everything, wherever starting has come to; `gently` keeps the servers' data whole. */
  async close({ gently = false } = {}): Promise<void> {
    this.closing = true;
    for (const life of this.lives.values()) life.kill();
    this.balancer?.close();
    this.balancer?.destroy();
    await Promise.allSettled([this.starting, this.restarting]);
    await (gently ? this.servers.stop() : this.servers.kill());
    await Promise.all([...this.lives.values()].map(({ current }) => current.exited));
  }

  /** Starts what nodes need beside the servers; answers the environment that they have then. */
  protected startOthers(env: Environment): Environment {
    return env;
  }

  protected logTo(name: string): (line: string) => void {
    return logInto(join(this.layout.dir, "logs"), name);
  }

  private portsOf(name: N) {
    return nodePorts(this.firstPort + portsFor(this.names.length).nodes, this.names.indexOf(name));
  }

  private get gatewayPorts(): number[] {
    const { hosted } = this.layout;
    return this.names.filter((name) => hosted[name].includes("api")).map((name) => this.portsOf(name).http);
  }

  private async environment(): Promise<Environment> {
    return {
      ...(await this.servers.env()),
      ...nodeSettings(this.origin, this.layout.dir),
      LEASE_MS: "2000",
      ...this.layout.env,
    };
  }

  private live(name: N, env: Environment): Supervised<ShopNode> {
    const ports = this.portsOf(name);
    const services = this.layout.hosted[name];
    const onLine = this.logTo(name);
    const command = commandOf("bin/start");
    const start = () => {
      const node = launchNode({ name, services, ports, command, env, onLine, ownGroup: true });
      const ready = node.ready(READY_MS);
      this.readiness.set(node, ready);
      // One that dies before is started again; whoever waits for this one hears of it.
      ready.catch(() => undefined);
      return node;
    };
    return supervise({
      start,
      onDeath: (dead, { code, signal }) => {
        const how = `ended by ${signal ?? `exit ${code}`}`;
        onLine(how);
        if (!this.killed.has(dead)) this.deaths.push(`${name} ${how}`);
      },
      onRestart: ({ pid }) => onLine(`started again, pid ${pid}`),
    });
  }
}
