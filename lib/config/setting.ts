import { isDeepStrictEqual } from "node:util";
import { problemOf } from "./checking";
import { type Ciphers, isCipher, problemOfSecret, UnreadableCipher } from "./cipher";
import type { Key } from "./declaration";

export type Outcome = "same" | "changed" | "pending" | "refused";

/** One key's value for one application at this node. */
export class Setting {
  private current: unknown;
  /** Holds after a restart, which the key needs. */
  pendingRestart = false;
  /** Why the newest value was not taken; the one before it holds. */
  refused: string | undefined;

  constructor(
    readonly application: string,
    readonly key: Key,
    private readonly environment: unknown,
    private readonly ciphers: Ciphers,
  ) {
    this.current = environment ?? key.default;
  }

  /** A secret is decrypted at each read, and nowhere kept. */
  get value(): unknown {
    return this.key.secret && isCipher(this.current) ? this.ciphers.decrypt(this.current) : this.current;
  }

  /** Takes what `config` says; undefined for nothing. Throws {@link UnreadableCipher} at first, later refuses. */
  take(given: unknown, first: boolean): Outcome {
    const wanted = given ?? this.environment ?? this.key.default;
    this.refused = this.problem(wanted, first, given !== undefined && given !== null);
    if (this.refused !== undefined) return "refused";
    this.pendingRestart = false;
    if (isDeepStrictEqual(wanted, this.current)) return "same";
    if (this.key.restart && !first) {
      this.pendingRestart = true;
      return "pending";
    }
    this.current = wanted;
    return "changed";
  }

  /** A secret `isGiven` as a cipher or not at all: only the environment's may be plain. */
  private problem(wanted: unknown, first: boolean, isGiven: boolean): string | undefined {
    // The environment's was checked where it was read, by bounds that may be wider.
    if (!isGiven && !this.key.secret) return undefined;
    if (isGiven && this.key.secret && !isCipher(wanted)) return "is a secret and has to be a {cipher}";
    try {
      const plain = this.key.secret && isCipher(wanted) ? this.ciphers.decrypt(wanted) : wanted;
      const problem = this.key.secret && isGiven ? problemOfSecret(plain) : undefined;
      return problem ?? problemOf(this.key.schema, plain);
    } catch (error) {
      if (!(error instanceof UnreadableCipher)) throw error;
      if (first) throw new UnreadableCipher(`${this.key.name} cannot be read: ${error.message}`);
      return `cannot be read: ${error.message}`;
    }
  }
}
