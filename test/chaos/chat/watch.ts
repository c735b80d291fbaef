import type { Connection } from "mongoose";
import type { Watched } from "./evidence";

const EVERY_MS = 500;

export interface StoredAgent {
  _id: string;
  status: string;
  connected: boolean;
  capacity: number;
  free: number;
  holding: Record<string, string>;
  /** Moves on with each place that is taken or given back. */
  version: number;
}

interface Unused {
  version: number;
  since: number;
}

/** Looks at the places of agents and at the queue, as the store has them, for as long as a run goes on. */
export class Watch {
  readonly watched: Watched = { looks: 0, violations: [], longestStuckMs: 0, mostWaiting: 0 };
  private unused = new Map<string, Unused>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(private readonly mongo: Connection) {}

  start(): void {
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look()).catch(() => undefined);
    }, EVERY_MS);
  }

  async stop(): Promise<Watched> {
    clearInterval(this.timer);
    await this.looking;
    return this.watched;
  }

  private async look(): Promise<void> {
    const agents = await this.mongo.collection<StoredAgent>("chat_agents").find().toArray();
    const waiting = await this.mongo.collection("chat_conversations").countDocuments({ place: { $gt: "" } });
    const { watched } = this;
    watched.looks += 1;
    watched.mostWaiting = Math.max(watched.mostWaiting, waiting);
    for (const { _id, capacity, free, holding } of agents) {
      const load = Object.keys(holding).length;
      if (load > capacity) watched.violations.push(`${_id} holds ${load} of ${capacity}`);
      if (free !== capacity - load) watched.violations.push(`${_id} has ${free} free, holds ${load} of ${capacity}`);
    }
    this.lookForUnused(waiting > 0 ? agents : []);
  }

  /** A place that stays free, of the same agent, while somebody waits. */
  private lookForUnused(agents: StoredAgent[]): void {
    const before = this.unused;
    this.unused = new Map();
    for (const { _id, status, connected, free, version } of agents) {
      if (status !== "online" || !connected || free < 1) continue;
      const known = before.get(_id);
      const now = Date.now();
      const unused = known?.version === version ? known : { version, since: now };
      this.unused.set(_id, unused);
      this.watched.longestStuckMs = Math.max(this.watched.longestStuckMs, now - unused.since);
    }
  }
}
