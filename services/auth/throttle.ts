import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { clientGroup } from "../../lib/client-group";
import { tooMany, unavailable } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Collection, type Document, DuplicateKey } from "../../lib/store/collection";
import { after, now } from "../../lib/time";

/** Attempts of one client address at one account's password, each as `time/id`. */
export interface Attempts {
  failed: string[];
  running: string[];
}

export interface AttemptsDocument extends Document, Attempts {
  version: number;
  expiresAt: string;
}

interface Attempt {
  pair: string;
  entry: string;
}

export const LIMIT = 10;
export const WINDOW_MS = 15 * 60_000;
/** What runs for longer was left by a dead node and counts as failed. */
export const RUNNING_MS = 10_000;
/** A caller's patience is five seconds. */
const PATIENCE_MS = 4000;
const LOOK_EVERY_MS = 20;

const timeOf = (entry: string): string => entry.slice(0, entry.indexOf("/"));

/**
 * What stands against one more attempt at `at`: nothing, others that still run and may fail, or failures, for
 * `retryAfter` seconds. Attempts that no longer count are left out. Pure.
 */
export function standing({ failed, running }: Attempts, at: string) {
  const overdue = running.filter((entry) => timeOf(entry) <= after(-RUNNING_MS, at));
  const counted = {
    failed: [...failed, ...overdue].sort().filter((entry) => timeOf(entry) > after(-WINDOW_MS, at)),
    running: running.filter((entry) => !overdue.includes(entry)),
  };
  const blocking = counted.failed.at(-LIMIT);
  const waitMs = blocking ? Date.parse(timeOf(blocking)) + WINDOW_MS - Date.parse(at) : 0;
  return {
    ...counted,
    mustWait: counted.failed.length + counted.running.length >= LIMIT,
    retryAfter: Math.ceil(waitMs / 1000),
  };
}

/**
 * Ten failures in fifteen minutes for each pair of account and client address. An attempt is entered before the
 * password is looked at, and no more run at once than may fail, so that many at once are no way around; what is right
 * leaves nothing behind. Refused attempts do not count: the pair is free again fifteen minutes after its failures, and
 * other addresses always are.
 */
export class Throttle {
  constructor(private readonly pairs: Collection<AttemptsDocument>) {}

  /** What `check` finds; null is a failure and counts. `account` need not exist. Throws 429 TOO_MANY_ATTEMPTS unasked. */
  async proven<T>(account: string, address: string, check: () => Promise<T | null>): Promise<T | null> {
    const attempt = await this.enter(account, clientGroup(address));
    let failed = false;
    try {
      const found = await check();
      failed = found === null;
      return found;
    } finally {
      await this.leave(attempt, failed);
    }
  }

  /** Forgets the pairs that nothing counts against any more. */
  async clean(): Promise<void> {
    await this.pairs.remove({ expiresAt: { $lt: now() } });
  }

  private async enter(account: string, group: string): Promise<Attempt> {
    const pair = createHash("sha256").update(`${account}\n${group}`).digest("base64url");
    const until = after(PATIENCE_MS);
    while (now() < until) {
      const at = now();
      const held = await this.pairs.get(pair);
      const { failed, running, mustWait, retryAfter } = standing(held ?? { failed: [], running: [] }, at);
      if (retryAfter > 0) throw tooMany("TOO_MANY_ATTEMPTS", "Too many failed attempts from here.", retryAfter);
      const entry = `${at}/${newId()}`;
      const change = { failed, running: [...running, entry], expiresAt: after(WINDOW_MS + RUNNING_MS, at) };
      if (!mustWait && (await this.write(pair, held, change))) return { pair, entry };
      await setTimeout(Math.random() * LOOK_EVERY_MS);
    }
    throw unavailable("BUSY", "Too many sign in to this account at once; try again.", 1);
  }

  private async leave({ pair, entry }: Attempt, failed: boolean): Promise<void> {
    await this.pairs.update(
      { _id: pair },
      { $pull: { running: entry }, ...(failed && { $push: { failed: entry } }), $inc: { version: 1 } },
    );
  }

  private async write(_id: string, held: AttemptsDocument | null, change: Omit<AttemptsDocument, "_id" | "version">) {
    if (held) {
      const unchanged = { _id, version: held.version, expiresAt: held.expiresAt };
      return (await this.pairs.update(unchanged, { $set: change, $inc: { version: 1 } })) !== null;
    }
    try {
      await this.pairs.insert({ _id, version: 0, ...change });
      return true;
    } catch (error) {
      if (error instanceof DuplicateKey) return false;
      throw error;
    }
  }
}
