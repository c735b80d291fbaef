import { Breaker, type BreakerState } from "./breaker";
import type { Bulkhead } from "./bulkhead";
import type { Policies } from "./policies";

export interface Circuit {
  action: string;
  /** The node that is not asked. */
  node: string;
  state: Exclude<BreakerState, "closed">;
}

/** Where a call goes, as the registry has it: what is not there is not chosen. */
interface Endpoint {
  id: string;
  state: boolean;
  action: { name?: string };
}

/** What protects the actions of this node, and this node from those of others, as it stands. */
export class Resilience {
  /** By action. */
  readonly bulkheads = new Map<string, Bulkhead>();
  /** Set before services start. */
  policies!: Policies;
  /** By node and action. */
  private readonly breakers = new Map<string, Map<string, { endpoint: Endpoint; breaker: Breaker }>>();

  breakerOf(endpoint: Endpoint, limits: ConstructorParameters<typeof Breaker>[0], opened: () => void): Breaker {
    const ofNode = this.breakers.get(endpoint.id) ?? new Map();
    this.breakers.set(endpoint.id, ofNode);
    const action = endpoint.action.name ?? "";
    let watched = ofNode.get(action);
    if (watched?.endpoint !== endpoint) {
      watched?.breaker.end();
      const admit = (may: boolean) => {
        endpoint.state = may;
      };
      watched = { endpoint, breaker: new Breaker(limits, admit, opened) };
      ofNode.set(action, watched);
    }
    return watched.breaker;
  }

  /** A node is gone; when it comes back it has a clean slate. */
  forget(node: string): void {
    for (const { breaker } of this.breakers.get(node)?.values() ?? []) breaker.end();
    this.breakers.delete(node);
  }

  /** Those circuits that are not closed. */
  circuits(): Circuit[] {
    return [...this.breakers].flatMap(([node, watched]) =>
      [...watched].flatMap(
        ([
          action,
          {
            breaker: { state },
          },
        ]) => (state === "closed" ? [] : [{ action, node, state }]),
      ),
    );
  }

  /** How many calls run or wait here, of services that clients or other nodes ask. */
  get busy(): number {
    let busy = 0;
    for (const [action, { inFlight, queued }] of this.bulkheads) if (!action.startsWith("$")) busy += inFlight + queued;
    return busy;
  }
}
