import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { clientGroup } from "../../lib/client-group";
import { tooMany, unavailable } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Collection, type Document, DuplicateKey } from "../../lib/store/collection";
import { after, now } from "../../lib/time";

/** Attempts of one client address at one account's password, each as `time/id`; what is spent counts as failed. */
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

/** So many times in so many milliseconds. */
export interface Allowance {
  times: number;
  ms: number;
}

const timeOf = (entry: string): string => entry.slice(0, entry.indexOf("/"));
const entryAt = (at: string): string => `${at}/${newId()}`;
const keyOf = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** Of these entries those that still count at `at`, and for how many seconds nothing more is allowed. Pure. */
export function counting(entries: string[], { times, ms }: Allowance, at: string) {
  const counted = entries.filter((entry) => timeOf(entry) > after(-ms, at)).sort();
  const blocking = counted.at(-times);
  const waitMs = blocking ? Date.parse(timeOf(blocking)) + ms - Date.parse(at) : 0;
  return { counted, retryAfter: Math.ceil(waitMs / 1000) };
}

/**
 * What stands against one more attempt at `at`: nothing, others that still run and may fail, or failures, for
 * `retryAfter` seconds. Attempts that no longer count are left out. Pure.
 */
export function standing({ failed, running }: Attempts, at: string) {
  const overdue = running.filter((entry) => timeOf(entry) <= after(-RUNNING_MS, at));
  const { counted, retryAfter } = counting([...failed, ...overdue], { times: LIMIT, ms: WINDOW_MS }, at);
  const left = running.filter((entry) => !overdue.includes(entry));
  return { failed: counted, running: left, mustWait: counted.length + left.length >= LIMIT, retryAfter };
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

  /** Takes one of what is allowed and answers 0, or for how many seconds nothing more is; then nothing is taken. */
  spend(what: string, allowance: Allowance): Promise<number> {
    const key = keyOf(what);
    return this.patiently(async (at) => {
      const held = await this.pairs.get(key);
      const { counted, retryAfter } = counting(held?.failed ?? [], allowance, at);
      if (retryAfter > 0) return retryAfter;
      const change = { failed: [...counted, entryAt(at)], running: [], expiresAt: after(allowance.ms, at) };
      return (await this.write(key, held, change)) ? 0 : undefined;
    });
  }

  /** Forgets the pairs that nothing counts against any more. */
  async clean(): Promise<void> {
    await this.pairs.remove({ expiresAt: { $lt: now() } });
  }

  private enter(account: string, group: string): Promise<Attempt> {
    const pair = keyOf(`${account}\n${group}`);
    return this.patiently(async (at) => {
      const held = await this.pairs.get(pair);
      const { failed, running, mustWait, retryAfter } = standing(held ?? { failed: [], running: [] }, at);
      if (retryAfter > 0)
        throw tooMany("TOO_MANY_ATTEMPTS", "Too many failed attempts. Wait before the next.", retryAfter);
      const entry = entryAt(at);
      const change = { failed, running: [...running, entry], expiresAt: after(WINDOW_MS + RUNNING_MS, at) };
      return !mustWait && (await this.write(pair, held, change)) ? { pair, entry } : undefined;
    });
  }

  /** What `step` answers at last: undefined means that others are in the way. Throws 503 BUSY. */
  private async patiently<T>(step: (at: string) => Promise<T | undefined>): Promise<T> {
    const until = after(PATIENCE_MS);
    while (now() < until) {
      const done = await step(now());
      if (done !== undefined) return done;
      await setTimeout(Math.random() * LOOK_EVERY_MS);
    }
    throw unavailable("BUSY", "Too many ask for this account at once; try again.", 1);
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
