import { setTimeout as delay } from "node:timers/promises";
import type { Call, Caller } from "../../lib/actions";
import { after } from "../../lib/time";
import type { Revocation } from "../auth/auth.contract";

/** Milliseconds that a poll reaches back before the last one that worked: clocks of nodes differ, writes take time. */
const OVERLAP_MS = 10_000;
/** With an older list a request waits for a fresh one first: this gateway was frozen or cut off. */
const STALE_MS = 2000;
const PATIENCE_MS = 1000;

/** What a gateway knows of tokens that ended before their time: from auth's broadcasts, and polled as those may be lost. */
export class Revocations {
  private readonly sessions = new Map<string, string>();
  private readonly users = new Map<string, string>();
  private polledAt = 0;
  private triedAt = 0;
  private polling: Promise<void> | undefined;

  /** `keepMs`: lifetime of an access token; older entries cover no token any more. `tell` hears each once it is known. */
  constructor(
    private readonly call: Call,
    private readonly keepMs: number,
    private readonly tell: (revocation: Revocation) => void = () => undefined,
  ) {}

  add(revocation: Revocation): void {
    const { kind, subject, at } = revocation;
    const known = kind === "session" ? this.sessions : this.users;
    const before = known.get(subject);
    if (before !== undefined && before >= at) return;
    known.set(subject, at);
    this.tell(revocation);
  }

  /** Whether a token of this caller, issued at `issuedAt` (seconds, may have a fraction), has been revoked. */
  covers(caller: Caller, issuedAt: number): boolean {
    if (this.sessions.has(caller.sid)) return true;
    const at = this.users.get(caller.id);
    return at !== undefined && Math.round(issuedAt * 1000) <= Date.parse(at);
  }

  /** Everything that may still cover a living token. */
  load(): Promise<void> {
    return this.poll();
  }

  /** What was revoked since the last poll that worked, however long that is past. One poll at a time. */
  poll(): Promise<void> {
    this.polling ??= this.fetch().finally(() => {
      this.polling = undefined;
    });
    return this.polling;
  }

  /**
   * Resolves when the list is fresh, or cannot be made so in a moment: while `auth` is away, gateways go on with what
   * they know.
   */
  async fresh(): Promise<void> {
    const at = Date.now();
    if (at - this.polledAt < STALE_MS || at - this.triedAt < STALE_MS) return;
    this.triedAt = at;
    const patience = new AbortController();
    const tired = delay(PATIENCE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([this.poll().catch(() => undefined), tired]);
    patience.abort();
  }

  private async fetch(): Promise<void> {
    const began = Date.now();
    const since = Math.max(this.polledAt - OVERLAP_MS, began - this.keepMs - OVERLAP_MS);
    const { items } = await this.call("auth.revocations", { since: new Date(since).toISOString() });
    for (const item of items) this.add(item);
    this.polledAt = began;
    const oldest = after(-this.keepMs - OVERLAP_MS);
    for (const known of [this.sessions, this.users])
      for (const [subject, at] of known) if (at < oldest) known.delete(subject);
  }
}
