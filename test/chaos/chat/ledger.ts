import type { MessageView } from "../../../services/chat/chat.schema";

export interface Convergence {
  who: string;
  /** When it came back, in milliseconds since 1970: what happened then is in the nodes' logs. */
  at: number;
  /** Milliseconds from the reconnect until the client had all that had been acknowledged before. */
  ms: number;
  /** A server or node was away meanwhile. */
  disturbed: boolean;
  /** What it did not have although it was told that it had all. */
  lacks: string[];
}

/** What the shop promised to anybody in this run. */
export class Ledger {
  readonly acknowledged: MessageView[] = [];
  /** Client ids of all that anybody began to send. */
  readonly attempted = new Set<string>();
  readonly convergences: Convergence[] = [];
  /** Answers that should not have come. */
  readonly problems: string[] = [];
  /** Messages refused as the conversation was closed, and sent in another one. */
  refused = 0;
  transfers = 0;
  closings = 0;
  cuts = 0;
  repeats = 0;
  syncs = 0;
  private readonly lasts = new Map<string, { all: number; shown: number }>();

  ack(message: MessageView): void {
    this.acknowledged.push(message);
    const { conversationId, seq, kind } = message;
    const last = this.lasts.get(conversationId) ?? { all: 0, shown: 0 };
    this.lasts.set(conversationId, {
      all: Math.max(last.all, seq),
      shown: kind === "note" ? last.shown : Math.max(last.shown, seq),
    });
  }

  /** The last seq of a conversation that was acknowledged and that an agent, or its customer, may see. */
  lastOf(conversationId: string, asAgent: boolean): number {
    const last = this.lasts.get(conversationId);
    return (asAgent ? last?.all : last?.shown) ?? 0;
  }
}
