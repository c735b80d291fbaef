import { Ajv } from "ajv";
import type { Static } from "../../lib/schema";
import { Strict, Type } from "../../lib/schema";

/** Notifications that an id names. */
export const MAX_NOTIFICATIONS = 10;
/** Conversations that an id speaks of; one that is open and left out is replayed from its beginning. */
const MAX_CONVERSATIONS = 50;
const MAX_SENT = 200;

const Written = Strict({
  u: Type.String({ maxLength: 64 }),
  t: Type.Integer({ minimum: 0 }),
  f: Type.String({ maxLength: 64 }),
  n: Type.Array(Type.String({ maxLength: 64 }), { maxItems: MAX_NOTIFICATIONS }),
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

  /** The last ids of notifications, sorted; all up to `floor` are known, too. One that is made late has an early id. */
  private notified: string[] = [];
  private floor = "";
  /** The last ids that this stream sent: of others that are known its client may have heard nothing. */
  private readonly sent = new Set<string>();
  /** The time up to which the client knows of every conversation, in milliseconds since 1970. */
  upTo = 0;

  constructor(private readonly userId: string) {}

  /** Undefined for what is no id of this user's streams. */
  static read(text: string, userId: string): StreamCursor | undefined {
    let written: unknown;
    try {
      written = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    } catch {
      return undefined;
    }
    if (!fits(written) || written.u !== userId) return undefined;
    const cursor = new StreamCursor(userId);
    cursor.upTo = written.t;
    cursor.floor = written.f;
    cursor.notified = written.n.toSorted();
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

  drop(conversationId: string): void {
    this.seqs.delete(conversationId);
  }

  /** Whether this stream has sent the notification. */
  hasSent(notificationId: string): boolean {
    return this.sent.has(notificationId);
  }

  knows(notificationId: string): boolean {
    return notificationId <= this.floor || this.notified.includes(notificationId);
  }

  /** Whether a list of notifications, the newest first, has nothing new from this one on. */
  isDone(notificationId: string): boolean {
    return notificationId <= this.floor;
  }

  /** The notification is sent. */
  notice(notificationId: string): void {
    this.sent.add(notificationId);
    const [oldest] = this.sent;
    if (this.sent.size > MAX_SENT && oldest !== undefined) this.sent.delete(oldest);
    if (this.knows(notificationId)) return;
    this.notified = [...this.notified, notificationId].sort();
    if (this.notified.length > MAX_NOTIFICATIONS) this.floor = this.notified.shift() ?? this.floor;
  }

  /** `newest` are there already; `more` says that there are older ones. */
  startAt(newest: string[], more: boolean): void {
    this.notified = newest.toSorted();
    this.floor = more ? (this.notified[0] ?? "") : "";
  }

  /** What to ask `chat.sync` for, given the conversations that are open to the caller. */
  wanted(open: Record<string, number>): Map<string, number> {
    return new Map([...Object.keys(open).map((id) => [id, 0] as const), ...this.seqs]);
  }

  toString(): string {
    const written: Static<typeof Written> = {
      u: this.userId,
      t: this.upTo,
      f: this.floor,
      n: this.notified,
      s: Object.fromEntries(this.seqs),
    };
    return Buffer.from(JSON.stringify(written)).toString("base64url");
  }
}
