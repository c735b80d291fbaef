import type { Delivery } from "../api/api.contract";
import type { ConversationStore } from "./conversation.store";

/** Milliseconds in which changes are told of together: some for each who waits, since a move at the head moves all. */
const TOGETHER_MS = 300;

interface Parts {
  conversations: ConversationStore;
  deliver: (delivery: Delivery) => void;
  failed: (error: unknown) => void;
}

/** Tells agents how many wait, and customers where they stand where that changed. It may be lost. */
export class QueueNews {
  private from: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastLength = 0;
  private telling: Promise<void> = Promise.resolve();

  constructor(private readonly parts: Parts) {}

  /** Whoever stands at `place` or behind it stands elsewhere now. */
  changed = (place: string): void => {
    if (this.from === undefined || place < this.from) this.from = place;
    this.timer ??= setTimeout(
      () => {
        this.timer = undefined;
        this.telling = this.tell().catch(this.parts.failed);
      },
      Math.max(TOGETHER_MS, this.lastLength),
    );
  };

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.telling;
  }

  private async tell(): Promise<void> {
    const { conversations, deliver } = this.parts;
    const { from = "" } = this;
    this.from = undefined;
    const waiting = await conversations.collection.find(
      { place: { $gt: "" } },
      { sort: ["place"], fields: ["place", "customer"] },
    );
    this.lastLength = waiting.length;
    deliver({ to: { role: "agent" }, event: "chat.queue", payload: { length: waiting.length } });
    waiting.forEach(({ _id: conversationId, customer, place = "" }, index) => {
      if (place < from) return;
      deliver({ to: { users: [customer.id] }, event: "chat.queue", payload: { conversationId, position: index + 1 } });
    });
  }
}
