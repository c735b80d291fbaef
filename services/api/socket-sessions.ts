import type { EndReason, Revocation } from "../auth/auth.contract";
import type { Verified } from "./authentication";
import type { Revocations } from "./revocations";

const LOOK_MS = 250;

/** `expired` asks for a new token, be it for its age or for other roles; `shutdown` for another connection. */
export type Ending = EndReason | "expired" | "shutdown";

/** A connection that lives by a token. */
export interface Live {
  verified: Verified;
  end(reason: Ending): void;
}

/** Connections that outlive the request whose token was looked at: they end when their token does. */
export class LiveSessions {
  private readonly live = new Set<Live>();
  private looking: NodeJS.Timeout | undefined;

  start(): void {
    this.looking = setInterval(() => this.endExpired(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.looking);
  }

  /** The answer takes it away again. */
  add(live: Live): () => void {
    this.live.add(live);
    return () => void this.live.delete(live);
  }

  get size(): number {
    return this.live.size;
  }

  count(userId: string): number {
    let count = 0;
    for (const { verified } of this.live) if (verified.caller.id === userId) count++;
    return count;
  }

  revoked({ kind, subject, reason = "expired" as const }: OfRevocation, revocations: Revocations): void {
    for (const live of [...this.live]) {
      const { caller, issuedAt } = live.verified;
      const named = kind === "session" ? caller.sid === subject : caller.id === subject;
      if (named && revocations.covers(caller, issuedAt)) live.end(reason);
    }
  }

  private endExpired(): void {
    const seconds = Date.now() / 1000;
    for (const live of [...this.live]) if (live.verified.expiresAt <= seconds) live.end("expired");
  }
}

type OfRevocation = Omit<Revocation, "reason"> & { reason?: Ending };
