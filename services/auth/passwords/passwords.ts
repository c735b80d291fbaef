import { randomBytes } from "node:crypto";
import { hash, parseOptions, verify } from "@node-rs/argon2";
import { unavailable } from "../../../lib/errors";

const ARGON2ID = 2;
/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. */
const PARAMETERS = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** argon2 runs on libuv's threads, four by default, which files and name look-ups need as well. */
const AT_ONCE = 2;
/** Some two seconds of work; whoever comes later had better try again than wait. */
const MAX_WAITING = 200;

/** One spelling for what looks the same, so that a password typed on another keyboard is the same password. */
export const normalisePassword = (password: string): string => password.normalize("NFKC");

/** A hash of the current parameters that no password has: checking against it takes as long as against a real one. */
function nobodysHash(): string {
  const base64 = (bytes: number) => randomBytes(bytes).toString("base64").replace(/=+$/, "");
  const { memoryCost, timeCost, parallelism } = PARAMETERS;
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${base64(16)}$${base64(32)}`;
}

/** Hashes passwords with argon2id, a few at a time whatever the load. */
export class Passwords {
  private readonly nobodys = nobodysHash();
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  /** Throws 503 BUSY when too many wait. */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(normalisePassword(password), PARAMETERS));
  }

  /** Whether the password has this hash; without a hash false, after the same time. Throws 503 BUSY. */
  async verify(stored: string | undefined, password: string): Promise<boolean> {
    const matches = await this.inTurn(() => verify(stored ?? this.nobodys, normalisePassword(password)));
    return matches && stored !== undefined;
  }

  /** Whether a hash was made with parameters of another time. */
  isOutdated(stored: string): boolean {
    const { algorithm, memoryCost, timeCost, parallelism } = parseOptions(stored);
    const made = { algorithm, memoryCost, timeCost, parallelism };
    return JSON.stringify(made) !== JSON.stringify(PARAMETERS);
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= AT_ONCE) {
      if (this.waiting.length >= MAX_WAITING) throw unavailable("BUSY", "Too many are signing in; try again.", 2);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // The place is handed over, not given up: nobody can slip in between.
      if (next) next();
      else this.running--;
    }
  }
}
