import type { ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { Connection, createSession, type Session } from "better-sse";
import type { ServiceBroker } from "moleculer";
import type { Verified } from "./authentication";
import type { EventName } from "./deliveries";
import type { Heads } from "./heads";
import type { Ending, Live } from "./socket-sessions";
import { StreamCursor } from "./stream-cursor";
import type { missed } from "./stream-missed";

const KEEP_ALIVE_MS = 10_000;
/** What a client may leave unread before it is let go; it resumes where it was. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** How long a client that was told of the end may take to read it. */
const LEAVE_MS = 1000;
/** How long a client that is catching up may read nothing. */
const STALLED_MS = 30_000;
/** Events that wait while what was missed before them is fetched. */
const MAX_WAITING = 1000;

interface Parts {
  heads: Heads;
  missed: ReturnType<typeof missed>;
  logger: ServiceBroker["logger"];
}
interface Event {
  event: EventName;
  payload: object;
}
interface LiveMessage {
  conversationId: string;
  message: { seq: number };
  prevSeq: number;
}

/** better-sse frames into a stream that moleculer-web sends like any other answer. */
class Framed extends Connection {
  private readonly closed = new AbortController();
  override readonly url = new URL("http://localhost/");
  override readonly request = new Request(this.url, { signal: this.closed.signal });
  override readonly response = new Response(null);

  constructor(private readonly out: PassThrough) {
    super();
    out.once("close", () => this.closed.abort());
  }
  override sendHead() {}
  override sendChunk(chunk: string) {
    if (this.out.writable) this.out.write(chunk);
  }
  override cleanup() {}
}

/** One client's server-sent events, from what it has missed to what happens now. */
export class EventStream implements Live {
  readonly out = new PassThrough();
  private session: Session | undefined;
  private cursor: StreamCursor;
  /** Whether the cursor says what the client has; without that nobody could go on from it. */
  private isSure = false;
  /** Live events that come while earlier ones are fetched; undefined while none are. */
  private waiting: Event[] | undefined = [];

  constructor(
    private readonly parts: Parts,
    readonly verified: Verified,
    private readonly response: ServerResponse,
  ) {
    this.cursor = new StreamCursor(verified.caller.id);
    this.out.on("error", () => undefined);
  }

  /** `lastId` is the id of the last event that the client had, from this or another gateway; undefined for a new start. */
  async begin(lastId: string | undefined): Promise<void> {
    this.session = await createSession(new Framed(this.out), { trustClientEventId: false, keepAlive: null });
    this.keepAlive();
    const resumed = lastId === undefined ? undefined : StreamCursor.read(lastId, this.verified.caller.id);
    if (resumed) {
      this.cursor = resumed;
      this.isSure = true;
    }
    if (!resumed || !(await this.catchUp())) await this.startAnew(lastId !== undefined);
    await this.release(resumed !== undefined);
  }

  /** Something that happens now. */
  take(event: EventName, payload: object, volatile: boolean): void {
    if (volatile && (this.waiting || this.out.writableLength > 0)) return;
    if (this.waiting) {
      this.waiting.push({ event, payload });
      if (this.waiting.length > MAX_WAITING) this.out.destroy();
    } else if (this.isAhead({ event, payload })) {
      this.waiting = [{ event, payload }];
      this.mend().catch((error: unknown) => {
        this.parts.logger.error({ err: error }, "a stream failed");
        this.cut();
      });
    } else if (!this.isRepeated({ event, payload })) this.push(event, payload);
  }

  /** Tells the client, and cuts it off where it does not read that. */
  end(reason: Ending): void {
    if (!this.out.writable) return;
    this.write("session.ended", { reason });
    this.out.end();
    setTimeout(() => this.cut(), LEAVE_MS).unref();
  }

  cut(): void {
    this.out.destroy();
    this.response.destroy();
  }

  /** better-sse would keep a client alive for ever that left before its session began. */
  private keepAlive(): void {
    if (this.out.destroyed) return;
    const beating = setInterval(() => this.out.writable && this.out.write(":\n\n"), KEEP_ALIVE_MS);
    this.out.once("close", () => clearInterval(beating));
  }

  /** Fetches what got lost on the way here. */
  private async mend(): Promise<void> {
    if (!(await this.catchUp())) await this.startAnew(true);
    await this.release(true);
  }

  /** Whether the client has all that it missed, or is gone. */
  private async catchUp(): Promise<boolean> {
    const { caller } = this.verified;
    const now = Date.now();
    try {
      const open = await this.parts.heads.of(caller.id);
      await this.parts.missed.send(caller, this.cursor, open, (event, payload) => this.send(event, payload));
      this.cursor.upTo = now;
      this.write("chat.heads", open);
      return true;
    } catch (error) {
      if (!this.out.writable) return true;
      this.parts.logger.debug({ err: error, user: caller.id }, "a stream could not go on where it was");
      return false;
    }
  }

  /** From here on the client's own loading is the beginning. `tell`: it has to load anew. */
  private async startAnew(tell: boolean): Promise<void> {
    const { caller } = this.verified;
    const cursor = new StreamCursor(caller.id);
    cursor.upTo = Date.now();
    let open: Record<string, number> = {};
    try {
      open = await this.parts.heads.of(caller.id);
      await this.parts.missed.skip(caller, cursor, open);
      this.isSure = true;
    } catch (error) {
      this.parts.logger.debug({ err: error, user: caller.id }, "a stream cannot be gone on with");
      this.isSure = false;
    }
    this.cursor = cursor;
    if (tell) this.write("resync", {});
    this.write("chat.heads", open);
  }

  /** What came meanwhile, as fast as the client reads. */
  private async release(skipRepeated: boolean): Promise<void> {
    for (let one = this.waiting?.shift(); one && this.out.writable; one = this.waiting?.shift()) {
      if (skipRepeated && this.isRepeated(one)) continue;
      this.push(one.event, one.payload);
      await this.drained();
    }
    this.waiting = undefined;
  }

  private isRepeated({ event, payload }: Event): boolean {
    if (event === "notification") return this.cursor.hasSent((payload as { id?: string }).id ?? "?");
    if (event !== "chat.message") return false;
    const { conversationId, message } = payload as LiveMessage;
    return message.seq <= (this.cursor.get(conversationId) ?? 0);
  }

  /** A message whose predecessor has not come. */
  private isAhead({ event, payload }: Event): boolean {
    if (event === "chat.heads")
      return Object.entries(payload as Record<string, number>).some(([id, seq]) => seq > (this.cursor.get(id) ?? seq));
    if (event !== "chat.message") return false;
    const { conversationId, prevSeq } = payload as LiveMessage;
    return prevSeq > (this.cursor.get(conversationId) ?? prevSeq);
  }

  private push(event: EventName, payload: object): void {
    if (event === "chat.message") {
      const { conversationId, message } = payload as LiveMessage;
      this.cursor.reach(conversationId, message.seq);
    }
    const { id } = payload as { id?: string };
    if (event === "notification" && id) this.cursor.notice(id);
    this.cursor.upTo = Date.now();
    this.write(event, payload);
    if (this.out.writableLength > MAX_UNREAD_BYTES) this.out.destroy();
  }

  /** Something that was missed; the client gets the time that it needs to read it. */
  private async send(event: EventName, payload: object): Promise<void> {
    this.write(event, payload);
    await this.drained();
    if (!this.out.writable) throw new Error("the client is gone");
  }

  /** Resolves when the client has read, or is gone. */
  private async drained(): Promise<void> {
    if (!this.out.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stalled = setTimeout(() => this.out.destroy(), STALLED_MS).unref();
    this.out.once("drain", resolve).once("close", resolve);
    await promise;
    clearTimeout(stalled);
    this.out.off("drain", resolve).off("close", resolve);
  }

  private write(event: EventName, payload: object): void {
    if (!this.session?.isConnected || !this.out.writable) return;
    // An id that nobody can go on from: whoever comes back with it is told to load anew.
    this.session.push(payload, event, this.isSure ? String(this.cursor) : "unknown");
  }
}
