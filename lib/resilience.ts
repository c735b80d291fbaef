import type { Bulkhead } from "./bulkhead";

/** `open`: nobody is asked there for a while; `half-open`: the next call decides. */
export type CircuitState = "open" | "half-open";

export interface Circuit {
  action: string;
  /** The node that is not asked. */
  node: string;
  state: CircuitState;
}

/** What protects the actions of this node, and this node from those of others, as it stands. */
export class Resilience {
  /** By action. */
  readonly bulkheads = new Map<string, Bulkhead>();
  private readonly notClosed = new Map<string, Circuit>();

  circuitIs(circuit: Circuit): void {
    this.notClosed.set(`${circuit.node} ${circuit.action}`, circuit);
  }

  circuitClosed({ action, node }: Omit<Circuit, "state">): void {
    this.notClosed.delete(`${node} ${action}`);
  }

  /** A node is gone; when it comes back it has a clean slate. */
  forget(node: string): void {
    for (const [key, circuit] of this.notClosed) if (circuit.node === node) this.notClosed.delete(key);
  }

  /** Those circuits that are not closed. */
  circuits(): Circuit[] {
    return [...this.notClosed.values()];
  }
}
