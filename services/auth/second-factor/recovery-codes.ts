import { randomInt } from "node:crypto";
import { Mac } from "../derived-keys";

const CODES = 10;
/** Five bits each: 80 bits, which no number of tries finds. */
const CHARACTERS = 16;
const GROUP = /.{4}(?=.)/g;
/** Crockford's base 32: no letter is taken for a digit or another letter, and none makes a word. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE = new RegExp(`^[${ALPHABET}]{${CHARACTERS}}$`);

const newCode = (): string =>
  Array.from({ length: CHARACTERS }, () => ALPHABET[randomInt(ALPHABET.length)])
    .join("")
    .replace(GROUP, "$&-");

/** One spelling for what is typed: without gaps, whatever the case, and with the digits that letters were read for. */
const normalise = (typed: string): string =>
  typed.normalize("NFKC").toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");

/**
 * Codes for whoever has lost their app, each good once. What is stored is no plain hash, which somebody with the store
 * could try codes against: it takes the secret that the signing keys are sealed with.
 */
export class RecoveryCodes {
  private readonly mac: Mac;

  constructor(keySecret: string) {
    this.mac = new Mac(keySecret, "recovery codes");
  }

  /** Codes to show once, and what is stored of them. */
  make(userId: string): { codes: string[]; hashes: string[] } {
    const codes = Array.from({ length: CODES }, newCode);
    return { codes, hashes: codes.map((code) => this.hashOf(userId, normalise(code))) };
  }

  /** What is stored of a code as it was typed; null where the text is no recovery code at all. */
  hash(userId: string, typed: string): string | null {
    const code = normalise(typed);
    return CODE.test(code) ? this.hashOf(userId, code) : null;
  }

  private hashOf(userId: string, code: string): string {
    return this.mac.of(`${userId}:${code}`);
  }
}
