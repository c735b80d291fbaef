import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import { tooMany, unavailable } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Collection, type Document, DuplicateKey } from "../../lib/store/collection";
import { after, now } from "../../lib/time";

/** Attempts of one client address at one account's password. */
export interface AttemptsDocument extends Document {
  /** `time/id` of each that failed or still runs, oldest first; no more than the limit. */
  attempts: string[];
  version: number;
  expiresAt: string;
}

interface Attempt {
  pair: string;
  entry: string;
}

export const LIMIT = 10;
export const WINDOW_MS = 15 * 60_000;
const TRIES = 100;

const timeOf = (entry: string): string => entry.slice(0, entry.indexOf("/"));

/** The attempts that still count at `at`, and the seconds until one may be made (0: now). Pure. */
export function counted(attempts: string[], at: string): { recent: string[]; retryAfter: number } {
  const recent = attempts.filter((entry) => timeOf(entry) > after(-WINDOW_MS, at));
  const blocking = recent.at(-LIMIT);
  if (!blocking) return { recent, retryAfter: 0 };
  const waitMs = Date.parse(timeOf(blocking)) + WINDOW_MS - Date.parse(at);
  return { recent, retryAfter: Math.max(1, Math.ceil(waitMs / 1000)) };
}

/** One client's share of the address space: of IPv6 its /64, in which it may choose any address. */
export function clientGroup(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}

/**
 * Ten failures in fifteen minutes for each pair of account and client address. An attempt counts from before the
 * password is looked at, so that many at once are no way around, and is given back when it succeeds. Refused attempts
 * do not count: the pair is free again fifteen minutes after its failures, and other addresses always are.
 */
export class Throttle {
  constructor(private readonly pairs: Collection<AttemptsDocument>) {}

  /** What `check` finds; null is a failure and counts. `account` need not exist. Throws 429 TOO_MANY_ATTEMPTS unasked. */
  async proven<T>(account: string, address: string, check: () => Promise<T | null>): Promise<T | null> {
    const taken = await this.take(account, clientGroup(address));
    let failed = false;
    try {
      const found = await check();
      failed = found === null;
      return found;
    } finally {
      if (!failed) await this.giveBack(taken);
    }
  }

  /** Forgets the pairs that no failure counts against any more. */
  async clean(): Promise<void> {
    await this.pairs.remove({ expiresAt: { $lt: now() } });
  }

  private async take(account: string, address: string): Promise<Attempt> {
    const pair = createHash("sha256").update(`${account}\n${address}`).digest("base64url");
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const at = now();
      const held = await this.pairs.get(pair);
      const { recent, retryAfter } = counted(held?.attempts ?? [], at);
      if (retryAfter > 0) throw tooMany("TOO_MANY_ATTEMPTS", "Too many failed attempts from here.", retryAfter);
      const entry = `${at}/${newId()}`;
      const change = { attempts: [...recent, entry], expiresAt: after(WINDOW_MS, at) };
      if (await this.write(pair, held, change)) return { pair, entry };
    }
    throw unavailable("BUSY", "Too many attempts at once; try again.", 1);
  }

  private async giveBack({ pair, entry }: Attempt): Promise<void> {
    await this.pairs.update({ _id: pair }, { $pull: { attempts: entry }, $inc: { version: 1 } });
  }

  private async write(
    _id: string,
    held: AttemptsDocument | null,
    change: Pick<AttemptsDocument, "attempts" | "expiresAt">,
  ): Promise<boolean> {
    if (held)
      return (
        (await this.pairs.update(
          { _id, version: held.version, expiresAt: held.expiresAt },
          { $set: change, $inc: { version: 1 } },
        )) !== null
      );
    try {
      await this.pairs.insert({ _id, version: 0, ...change });
      return true;
    } catch (error) {
      if (error instanceof DuplicateKey) return false;
      throw error;
    }
  }
}
