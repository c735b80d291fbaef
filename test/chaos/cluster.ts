import { setTimeout as sleep } from "node:timers/promises";
import { type Launched, launch } from "../../lib/infra/processes";
import { commandOf } from "../compiled";
import { type Fault, kindOf, NODE_KINDS, type NodeName } from "./faults";
import { firstPortFor, Nodes } from "./nodes";
import type { Environment } from "./settings";

/** Seconds that a customer has to pay: short enough for orders to expire within a run. */
export const PAYMENT_WINDOW_S = 20;

/** What each node hosts: two of a kind that is hit, as one of them has to stand in for the other. */
const hostedBy = (hit: ReadonlySet<string>) =>
  Object.fromEntries(
    NODE_KINDS.flatMap((kind) =>
      (hit.has(kind) ? [1, 2] : [1]).map((number) => [`${kind}.${number}`, kind === "auth" ? [kind, "user"] : [kind]]),
    ),
  ) as Record<NodeName, string[]>;

/** Nodes of each kind, and a payment provider. */
export class Cluster extends Nodes<NodeName> {
  private sandbox: Launched | undefined;

  /** For these faults; `faulty` is laid over the environment of every node. */
  static async in(dir: string, faults: readonly Fault[], faulty: Environment): Promise<Cluster> {
    const env = { ORDER_PAYMENT_WINDOW: String(PAYMENT_WINDOW_S), JWT_ACCESS_SECONDS: "7200", ...faulty };
    const hosted = hostedBy(new Set(faults.flatMap((fault) => ("node" in fault ? [kindOf(fault.node)] : []))));
    return new Cluster({ dir, hosted, env }, await firstPortFor(hosted));
  }

  /** Resolves when the node stands still. */
  async freeze(name: NodeName, ms: number): Promise<{ over: Promise<void> }> {
    const { signal } = await this.serving(name);
    signal("SIGSTOP");
    return { over: sleep(ms).then(() => signal("SIGCONT")) };
  }

  override async close(how?: { gently?: boolean }): Promise<void> {
    await Promise.all([this.sandbox?.kill(), super.close(how)]);
  }

  /** The payment provider is not ours: it never fails. */
  protected override startOthers(env: Environment): Environment {
    const own = { ...env, SANDBOX_PORT: String(this.sparePort) };
    const options = { ...commandOf("bin/sandbox"), env: own, onLine: this.logTo("sandbox"), ownGroup: true };
    this.sandbox = launch({ name: "sandbox", ...options });
    return { ...env, SANDBOX_URL: `http://127.0.0.1:${this.sparePort}` };
  }
}
