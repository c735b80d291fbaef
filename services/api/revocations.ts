import type { Call, Caller } from "../../lib/actions";
import { after } from "../../lib/time";
import type { Revocation } from "../auth/auth.contract";

/** Milliseconds that a poll reaches back before the one before it: clocks of nodes differ, writes take time. */
const OVERLAP_MS = 10_000;

/** What a gateway knows of tokens that ended before their time: from auth's broadcasts, and polled as those may be lost. */
export class Revocations {
  private readonly sessions = new Map<string, string>();
  private readonly users = new Map<string, string>();

  /** `keepMs`: lifetime of an access token; older entries cover no token any more. */
  constructor(
    private readonly call: Call,
    private readonly keepMs: number,
  ) {}

  add({ kind, subject, at }: Revocation): void {
    const known = kind === "session" ? this.sessions : this.users;
    const before = known.get(subject);
    if (before === undefined || before < at) known.set(subject, at);
  }

  /** Whether a token of this caller, issued at `issuedAt` (seconds, may have a fraction), has been revoked. */
  covers(caller: Caller, issuedAt: number): boolean {
    if (this.sessions.has(caller.sid)) return true;
    const at = this.users.get(caller.id);
    return at !== undefined && Math.round(issuedAt * 1000) <= Date.parse(at);
  }

  /** Everything that may still cover a living token. */
  async load(): Promise<void> {
    await this.fetch(this.keepMs + OVERLAP_MS);
  }

  async poll(): Promise<void> {
    await this.fetch(OVERLAP_MS);
    const oldest = after(-this.keepMs - OVERLAP_MS);
    for (const known of [this.sessions, this.users])
      for (const [subject, at] of known) if (at < oldest) known.delete(subject);
  }

  private async fetch(backMs: number): Promise<void> {
    const { items } = await this.call("auth.revocations", { since: after(-backMs) });
    for (const item of items) this.add(item);
  }
}
