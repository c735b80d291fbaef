import type { Cluster } from "./cluster";
import { describeFault, type Fault, kindOf, type PlannedFault } from "./faults";

/** What does the faults of a plan to the cluster, each when the load has come to its order. */
export class Injector {
  private done = 0;
  private begun: Promise<void> = Promise.resolve();
  /** What goes on for a while: restarts come one after the other, and of two nodes of a kind one stands still. */
  private readonly over = new Map<string, Promise<void>>();

  constructor(
    private readonly plan: readonly PlannedFault[],
    private readonly cluster: Pick<Cluster, "kill" | "freeze" | "restart">,
    private readonly say: (text: string) => void,
  ) {}

  /** Resolves when every fault has begun that is planned before the order of this number, so that a run is repeatable. */
  reached(order: number): Promise<void> {
    for (let next = this.plan[this.done]; next && next.at <= order; next = this.plan[this.done]) {
      const { at, fault } = next;
      this.begun = this.begun.then(() => this.begin(at, fault));
      this.done += 1;
    }
    return this.begun;
  }

  /** Resolves when all goes on again. */
  async ended(): Promise<void> {
    await this.begun;
    await Promise.all(this.over.values());
  }

  private async begin(at: number, fault: Fault): Promise<void> {
    if (fault.kind === "kill") await this.cluster.kill(fault.node);
    else {
      const lane = fault.kind === "freeze" ? kindOf(fault.node) : "servers";
      await this.over.get(lane);
      const { over } =
        fault.kind === "freeze"
          ? await this.cluster.freeze(fault.node, fault.ms)
          : await this.cluster.restart(fault.server, fault.ms);
      this.over.set(lane, over);
      // Whoever waits for it hears of a failure; until then it is nobody's.
      over.catch(() => undefined);
    }
    this.say(`order ${at}: ${describeFault(fault)}`);
  }
}
