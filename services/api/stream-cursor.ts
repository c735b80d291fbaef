import { Ajv } from "ajv";
import type { Static } from "../../lib/schema";
import { Strict, Type } from "../../lib/schema";

/** Conversations that an id speaks of; one that is open and left out is replayed from its beginning. */
const MAX_CONVERSATIONS = 50;

const Written = Strict({
  u: Type.String({ maxLength: 64 }),
  n: Type.String({ maxLength: 30, pattern: "^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$" }),
  s: Type.Record(Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" }), Type.Integer({ minimum: 0 }), {
    maxProperties: MAX_CONVERSATIONS,
  }),
});
const fits = new Ajv().compile<Static<typeof Written>>(Written);

/**
 * How far a stream has got, as the id of its last event: what to ask chat and notification for, and nothing of the gateway
 * that wrote it, so that any other can go on. It is no secret and not trusted: what is asked for is asked as the caller.
 */
export class StreamCursor {
  /** By conversation, the last touched last. */
  private readonly seqs = new Map<string, number>();

  constructor(
    private readonly userId: string,
    /** When the last notification that was sent was made, RFC 3339. */
    public notifiedAt: string,
  ) {}

  /** Undefined for what is no id of this user's streams. */
  static read(text: string, userId: string): StreamCursor | undefined {
    let written: unknown;
    try {
      written = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    } catch {
      return undefined;
    }
    if (!fits(written) || written.u !== userId || Number.isNaN(Date.parse(written.n))) return undefined;
    const cursor = new StreamCursor(userId, written.n);
    for (const [conversationId, seq] of Object.entries(written.s)) cursor.seqs.set(conversationId, seq);
    return cursor;
  }

  get(conversationId: string): number | undefined {
    return this.seqs.get(conversationId);
  }

  /** Never goes back. */
  reach(conversationId: string, seq: number): void {
    const before = this.seqs.get(conversationId) ?? 0;
    this.seqs.delete(conversationId);
    this.seqs.set(conversationId, Math.max(before, seq));
    const [oldest] = this.seqs.keys();
    if (this.seqs.size > MAX_CONVERSATIONS && oldest !== undefined) this.seqs.delete(oldest);
  }

  /** What to ask `chat.sync` for, given the caller's open conversations. */
  wanted(open: Record<string, number>): Map<string, number> {
    return new Map([...Object.keys(open).map((id) => [id, 0] as const), ...this.seqs]);
  }

  toString(): string {
    const written: Static<typeof Written> = { u: this.userId, n: this.notifiedAt, s: Object.fromEntries(this.seqs) };
    return Buffer.from(JSON.stringify(written)).toString("base64url");
  }
}
