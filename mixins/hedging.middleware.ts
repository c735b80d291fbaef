import { LRUCache } from "lru-cache";
import type { ActionEndpoint, Context, Middleware } from "moleculer";
import type { Metrics } from "../lib/metrics";
import { isTransient } from "./errors";
import type { DeclaredAction } from "./middleware";

/** Milliseconds without any packet of a node that owes an answer, before another one is asked as well. */
const SILENCE_MS = 300;
/** The same where there is no other: longer than a heartbeat takes, so that question or answer must have got lost. */
const LOST_MS = 2500;
const LOOK_MS = 50;
const NODES = 1000;

type Ask = (ctx: Context) => Promise<unknown>;
type Endpoint = NonNullable<Context["endpoint"]>;
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

/** One call, asked of one node and perhaps of a second one. */
class HedgedCall {
  readonly answer: Promise<unknown>;
  private resolve!: (result: unknown) => void;
  private reject!: (error: unknown) => void;
  private pending = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly asked = performance.now();

  constructor(
    private readonly ctx: Context,
    private readonly ask: Ask,
    private readonly heard: Heard,
    private readonly hedging: (action: string) => void,
  ) {
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.lookIn(SILENCE_MS);
    this.askWith(ctx);
  }

  private askWith(ctx: Context): void {
    this.pending += 1;
    this.ask(ctx).then(
      (result) => {
        clearTimeout(this.timer);
        this.resolve(result);
      },
      (error: unknown) => {
        this.pending -= 1;
        if (this.pending > 0 && isTransient(error)) return;
        clearTimeout(this.timer);
        this.reject(error);
      },
    );
  }

  private lookIn(ms: number): void {
    // What came while this node itself was busy is taken in first.
    this.timer = setTimeout(() => setImmediate(() => this.look()), ms).unref();
  }

  private look(): void {
    if (this.pending === 0) return;
    const silentMs = performance.now() - Math.max(this.asked, this.heard.of(this.ctx.nodeID));
    const endpoint = silentMs < SILENCE_MS ? undefined : this.another();
    if (endpoint) this.hedge(endpoint);
    else if (this.ctx.endpoint && silentMs > LOST_MS) this.hedge(this.ctx.endpoint);
    else this.lookIn(Math.max(SILENCE_MS - silentMs, LOOK_MS));
  }

  private hedge(endpoint: Endpoint): void {
    this.hedging(this.ctx.action?.name ?? "");
    this.askWith(this.ctx.copy(endpoint));
  }

  /** Of the other nodes that have the action, the one that was heard last. */
  private another(): ActionEndpoint | undefined {
    const { broker, nodeID, action } = this.ctx;
    const found = broker.registry.actions.get(action?.name ?? "") as { endpoints: ActionEndpoint[] } | undefined;
    const isAvailable = (endpoint: ActionEndpoint) => (endpoint as { isAvailable?: boolean }).isAvailable;
    const others = found?.endpoints.filter((endpoint) => endpoint.id !== nodeID && isAvailable(endpoint));
    return others?.sort((a, b) => this.heard.of(b.id) - this.heard.of(a.id))[0];
  }
}

/**
 * A node that dies leaves its callers waiting until its heartbeats are missed. Where a call is safe to run twice and its
 * node says nothing at all meanwhile, another node is asked, too, and the first answer counts. A node that is only slow goes
 * on sending, to others at least, so that overload is not answered with more of it.
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
  const hedge = (next: Ask, action: DeclaredAction): Ask =>
    action.retryPolicy?.enabled ? (ctx) => new HedgedCall(ctx, next, heard, hedging).answer : next;

  return { name: "Hedging", transitMessageHandler: listen, remoteAction: hedge } as unknown as Middleware;
}
