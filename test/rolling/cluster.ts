import { mkdirSync } from "node:fs";
import { serviceNames } from "../../lib/hosting";
import { type Balancer, balance } from "../../lib/infra/balancer";
import { launchNode, nodePorts, type ShopNode } from "../../lib/infra/nodes";
import { freeRange, until } from "../../lib/infra/ports";
import { type Launched, launch } from "../../lib/infra/processes";
import { type Environment, logInto, nodeSettings } from "../chaos/settings";
import { commandOf } from "../compiled";

/** `whole`: two nodes with everything; `split`: two of each service; `single`: one of each. */
export type Layout = "whole" | "split" | "single";

const READY_MS = 120_000;
/** By contract a node ends within ten seconds of SIGTERM. */
const ENDS_MS = 10_000;

interface Member {
  name: string;
  services: readonly string[];
  index: number;
  node: ShopNode;
}

function hostedBy(layout: Layout): string[][] {
  if (layout === "whole") return [serviceNames()];
  // The gateways last: whoever starts later finds most of what it asks for.
  return [...serviceNames().filter((name) => name !== "api"), "api"].map((name) => [name]);
}

/** Two nodes of everything behind a balancer, each to be restarted as a deployment does it: SIGTERM, and a new one. */
export class RollingCluster {
  readonly origin: string;
  private readonly members: Member[] = [];
  private sandbox: Launched | undefined;
  private balancer: Balancer | undefined;

  private constructor(
    private readonly first: number,
    private readonly dir: string,
    private readonly env: Environment,
    private readonly hosted: string[][],
    private readonly copies: number,
  ) {
    this.origin = `http://127.0.0.1:${first}`;
    mkdirSync(dir, { recursive: true });
  }

  /** Resolves when every node is ready. `env` says where the servers are; logs go to `dir`. */
  static async start(dir: string, layout: Layout, env: Environment): Promise<RollingCluster> {
    const hosted = hostedBy(layout);
    const first = await freeRange(10 + 20 * hosted.length);
    const cluster = new RollingCluster(first, dir, env, hosted, layout === "single" ? 1 : 2);
    try {
      await cluster.launchAll();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  get names(): string[] {
    return this.members.map(({ name }) => name);
  }

  /** Milliseconds until it had ended, and then until its successor was ready. Throws where it does not end as it should. */
  async restart(name: string): Promise<{ ended: number; ready: number }> {
    const member = this.member(name);
    const began = Date.now();
    const exit = await member.node.stop(ENDS_MS);
    if (exit.code !== 0) throw new Error(`${name} ended by ${exit.signal ?? `exit ${exit.code}`}`);
    const ended = Date.now() - began;
    await this.revive(name);
    return { ended, ready: Date.now() - began - ended };
  }

  async kill(name: string): Promise<void> {
    await this.member(name).node.kill();
  }

  /** Starts one again that has ended; resolves when it is ready. */
  async revive(name: string): Promise<void> {
    const member = this.member(name);
    member.node = this.launch(member);
    await member.node.ready(READY_MS);
  }

  async close(): Promise<void> {
    this.balancer?.close();
    this.balancer?.destroy();
    await Promise.all([...this.members.map(({ node }) => node.kill()), this.sandbox?.kill()]);
  }

  private member(name: string): Member {
    const member = this.members.find((one) => one.name === name);
    if (!member) throw new RangeError(`there is no ${name}`);
    return member;
  }

  private async launchAll(): Promise<void> {
    const sandboxPort = this.first + 1;
    const env = { SANDBOX_PORT: String(sandboxPort), SANDBOX_URL: "" };
    const onLine = logInto(this.dir, "sandbox");
    this.sandbox = launch({ name: "sandbox", ...commandOf("bin/sandbox"), env: { ...this.settings, ...env }, onLine });
    let index = 0;
    for (const services of this.hosted)
      for (let number = 1; number <= this.copies; number++) {
        const name = `${services.length > 1 ? "shop" : services[0]}.${number}`;
        const place = { name, services, index: index++ };
        this.members.push({ ...place, node: this.launch(place) });
      }
    await Promise.all(this.members.map(({ node }) => node.ready(READY_MS)));
    const gateways = this.members.filter(({ services }) => services.includes("api")).map(({ node }) => node.ports.http);
    this.balancer = await balance(this.first, gateways);
    for (const port of gateways)
      for (const path of ["/products?limit=1", "/cart", "/conversations", "/payments/none"])
        await until(`a route to ${path}`, async () => {
          const { status } = await fetch(`http://127.0.0.1:${port}/api/v1${path}`);
          return status !== 404 && status < 500;
        });
  }

  private launch({ name, services, index }: Omit<Member, "node">): ShopNode {
    const ports = nodePorts(this.first + 10, index);
    const options = { env: this.settings, onLine: logInto(this.dir, name), ownGroup: true };
    return launchNode({ name, services, ports, command: commandOf("bin/start"), ...options });
  }

  private get settings(): Environment {
    return {
      ...nodeSettings(this.origin, this.dir),
      SANDBOX_URL: `http://127.0.0.1:${this.first + 1}`,
      JWT_ACCESS_SECONDS: "7200",
      ...this.env,
    };
  }
}
