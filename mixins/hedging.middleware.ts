import { LRUCache } from "lru-cache";
import { type ActionEndpoint, type Context, Errors, type Middleware, type ServiceBroker } from "moleculer";
import type { Metrics } from "../lib/metrics";
import { isTransient } from "./errors";
import type { DeclaredAction } from "./middleware";
import { otherNodes } from "./other-nodes";

/** Milliseconds without any packet of a node that owes an answer, before another one is asked as well. */
const SILENCE_MS = 300;
/** The same where there is no other: longer than a heartbeat takes, so that question or answer must have got lost. */
const LOST_MS = 2500;
const LOOK_MS = 50;
const NODES = 1000;

type Ask = (ctx: Context) => Promise<unknown>;
type Handle = (command: string, packet: { payload?: { sender?: string } }) => unknown;

/** When each node was last heard, by `performance.now()`; 0 for never. */
class Heard {
  private readonly times = new LRUCache<string, number>({ max: NODES });

  hear(nodeId: string): void {
    this.times.set(nodeId, performance.now());
  }

  of(nodeId: string | null): number {
    return this.times.get(nodeId ?? "") ?? 0;
  }
}

/** One call, asked of one node and, while those that were asked say nothing, of others. */
class HedgedCall {
  private readonly outcome = Promise.withResolvers<unknown>();
  readonly answer = this.outcome.promise;
  private readonly nodes = new Set<string | null>();
  private pending = 0;
  private patienceMs = SILENCE_MS;
  private timer: NodeJS.Timeout | undefined;
  private asked = 0;
  private readonly until: number;

  constructor(
    private readonly ctx: Context,
    private readonly ask: Ask,
    private readonly heard: Heard,
    private readonly hedging: (action: string) => void,
  ) {
    this.until = performance.now() + (ctx.options.timeout || Number.POSITIVE_INFINITY);
    this.askWith(ctx);
  }

  /** What was sent until now may have got lost. */
  reconnected(): void {
    clearTimeout(this.timer);
    this.patienceMs = SILENCE_MS;
    this.hedge(this.another() ?? this.ctx.endpoint);
  }

  private askWith(ctx: Context): void {
    this.pending += 1;
    this.asked = performance.now();
    this.nodes.add(ctx.nodeID);
    this.lookIn(this.patienceMs);
    this.ask(ctx).then(
      (result) => {
        this.settled();
        this.outcome.resolve(result);
      },
      (error: unknown) => {
        this.pending -= 1;
        if (this.pending > 0 && isTransient(error)) return;
        this.settled();
        this.outcome.reject(error);
      },
    );
  }

  private settled(): void {
    this.pending = 0;
    clearTimeout(this.timer);
  }

  private lookIn(ms: number): void {
    // What came while this node itself was busy is taken in first.
    this.timer = setTimeout(() => setImmediate(() => this.look()), ms).unref();
  }

  private look(): void {
    if (this.pending > 0 && performance.now() >= this.until) this.giveUp();
    if (this.pending === 0) return;
    const lastHeard = Math.max(this.asked, ...[...this.nodes].map((nodeId) => this.heard.of(nodeId)));
    const silentMs = performance.now() - lastHeard;
    const endpoint = silentMs < this.patienceMs ? null : this.another();
    if (endpoint) this.hedge(endpoint);
    else if (silentMs > LOST_MS) this.hedge(this.ctx.endpoint);
    else this.lookIn(Math.max(this.patienceMs - silentMs, LOOK_MS));
  }

  /** Whoever waited has had their answer, that it took too long. */
  private giveUp(): void {
    this.settled();
    const { action, nodeID } = this.ctx;
    this.outcome.reject(new Errors.RequestTimeoutError({ action: action?.name ?? "", nodeID: nodeID ?? "" }));
  }

  private hedge(endpoint: Context["endpoint"]): void {
    if (!endpoint || this.pending === 0) return;
    this.patienceMs *= 2;
    this.hedging(this.ctx.action?.name ?? "");
    this.askWith(this.ctx.copy(endpoint));
  }

  /** Of the other nodes that have the action, the one that was heard last. */
  private another(): ActionEndpoint | null {
    const others = otherNodes(this.ctx).sort((a, b) => this.heard.of(b.id) - this.heard.of(a.id));
    return others[0] ?? null;
  }
}

/**
 * A node that dies leaves its callers waiting until its heartbeats are missed. Where a call is safe to run twice and its
 * node says nothing at all meanwhile, another node is asked, too, and the first answer counts. A node that is only slow goes
 * on sending, to others at least, so that overload is not answered with more of it. The client of NATS drops what it has
 * not sent when it loses its server: once it is back, what has no answer is asked again.
 */
export function hedgingMiddleware(metrics: Metrics): Middleware {
  const heard = new Heard();
  const hedging = (action: string) => metrics.hedgedCalls.inc({ action });

  const listen =
    (next: Handle): Handle =>
    (command, packet) => {
      if (packet.payload?.sender !== undefined) heard.hear(packet.payload.sender);
      return next(command, packet);
    };
  const open = new Set<HedgedCall>();
  const hedged = (ctx: Context, ask: Ask) => {
    const call = new HedgedCall(ctx, ask, heard, hedging);
    open.add(call);
    return call.answer.finally(() => open.delete(call));
  };
  const hedge = (next: Ask, action: DeclaredAction): Ask =>
    action.retryPolicy?.enabled ? (ctx) => (ctx.options.nodeID ? next(ctx) : hedged(ctx, next)) : next;

  return {
    name: "Hedging",
    transitMessageHandler: listen,
    remoteAction: hedge,
    created(broker: ServiceBroker) {
      broker.localBus.on("$transporter.connected", () => {
        for (const call of open) call.reconnected();
      });
    },
  } as unknown as Middleware;
}
