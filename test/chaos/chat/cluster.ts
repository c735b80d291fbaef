import { setTimeout as sleep } from "node:timers/promises";
import { describeFault } from "../faults";
import { firstPortFor, Nodes } from "../nodes";
import type { Environment } from "../settings";
import type { ChatFault, KilledNode } from "./faults";

/** What each node hosts; the one for all the rest is not killed. */
const HOSTED: Record<KilledNode | "rest.1", readonly string[]> = {
  "rest.1": ["auth", "user", "product", "order", "payment", "notification"],
  "api.1": ["api"],
  "api.2": ["api"],
  "chat.1": ["chat"],
  "chat.2": ["chat"],
};

/** A node that died counts as one that is there for so long: heartbeats are 6 s late, and looked at every few seconds. */
const NOTICED_MS = 12_000;

/** Two gateways, two chat nodes and one node for the rest. */
export class ChatCluster extends Nodes<keyof typeof HOSTED> {
  private readonly troubles: { until: number }[] = [];
  private over: Promise<unknown> = Promise.resolve();
  private noticed: Promise<unknown> = Promise.resolve();

  /** `faulty` is laid over the environment of every node. */
  static async in(dir: string, faulty: Environment): Promise<ChatCluster> {
    // Short enough for tokens to be renewed within a run.
    const env = { JWT_ACCESS_SECONDS: "120", ...faulty };
    return new ChatCluster({ dir, hosted: HOSTED, env }, await firstPortFor(HOSTED));
  }

  /** Whether a node or a server was away at some time from then until now. */
  disturbedSince = (since: number): boolean => this.troubles.some(({ until }) => until >= since);

  /** Resolves when it has begun; what the fault before it broke is whole again by then, but perhaps not known to be. */
  async inflict(fault: ChatFault): Promise<void> {
    await this.over;
    const trouble = { until: Number.POSITIVE_INFINITY };
    this.troubles.push(trouble);
    const recovered = await this.begin(fault);
    this.over = recovered().catch((error: unknown) => {
      if (!this.closing) this.deaths.push(`after ${describeFault(fault)}: ${String(error)}`);
    });
    // Nodes find each other without Kafka.
    const noticed = fault.kind === "restart" && fault.server === "kafka" ? undefined : sleep(NOTICED_MS);
    this.noticed = Promise.all([this.noticed, this.over, noticed]).then(() => {
      trouble.until = Date.now();
    });
  }

  /** Resolves when what was broken is whole again, and everybody knows. */
  ended(): Promise<unknown> {
    return this.noticed;
  }

  /** Answers with what resolves when all is whole again. */
  private async begin(fault: ChatFault): Promise<() => Promise<unknown>> {
    if (fault.kind === "kill") {
      await this.kill(fault.node);
      return () => this.serving(fault.node);
    }
    const { over } = await this.restart(fault.server, fault.ms);
    return () => over.then(() => this.ready());
  }
}
