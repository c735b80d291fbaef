import type { MessageView } from "../../../services/chat/chat.schema";

/** What a client has of a conversation, by seq. */
export class ConversationLog {
  private readonly bySeq = new Map<number, MessageView>();
  /** Up to this seq nothing is missing that its reader may see. */
  cursor = 0;

  /** A live message; false where one before it has not come, so that both are to be fetched. */
  take(message: MessageView, prevSeq: number): boolean {
    if (message.seq <= this.cursor) return true;
    if (prevSeq > this.cursor) return false;
    this.put(message);
    return true;
  }

  /** What a sync answered, in its order. */
  put(message: MessageView): void {
    this.bySeq.set(message.seq, message);
    this.cursor = Math.max(this.cursor, message.seq);
  }

  get messages(): MessageView[] {
    return [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  get last(): MessageView | undefined {
    return this.bySeq.get(this.cursor);
  }
}
