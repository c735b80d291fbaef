import { createHash, randomBytes } from "node:crypto";
import type { Collection, Document } from "../../../lib/store/collection";
import { after, now } from "../../../lib/time";

/** What a token of each kind stands for. */
export interface Purposes {
  /** The mailed link to a new password; `passwordId` is that of the password it is to replace, `email` where it went. */
  "password.reset": { userId: string; passwordId: string | null; email: string };
  /** The mailed link that proves an address. */
  "email.verification": { userId: string; email: string };
  /** The first factor was proven; the second one is still asked for. */
  "sign-in.second-factor": { userId: string; epoch: number };
  /** A provider's sign-in ended well: the browser (a hash of its cookie's secret) exchanges it for tokens. */
  "sign-in.provider": { userId: string; epoch: number; browser: string };
}

export type Purpose = keyof Purposes;

export const LIFETIME_MS: Record<Purpose, number> = {
  "password.reset": 30 * 60_000,
  "email.verification": 24 * 3_600_000,
  "sign-in.second-factor": 5 * 60_000,
  "sign-in.provider": 60_000,
};

/** The id is the token's hash: what is stored opens nothing. */
export type TokenDocument = Document & { purpose: Purpose; userId: string; expiresAt: string } & Record<
    string,
    string | number | null
  >;

/** Fast on purpose: a token has 256 random bits, which no number of tries finds. */
export const hashToken = (token: string): string => createHash("sha256").update(token).digest("base64url");
export const randomToken = (): string => randomBytes(32).toString("base64url");

/** Tokens that are good once and for a while: 256 random bits in base64url, of which only a hash is kept. */
export class OneTimeTokens {
  constructor(readonly collection: Collection<TokenDocument>) {}

  /** A new one, whose lifetime counts from `from` (default: now). */
  async make<P extends Purpose>(purpose: P, content: Purposes[P], from?: string): Promise<string> {
    const token = randomToken();
    const expiresAt = after(LIFETIME_MS[purpose], from);
    await this.collection.insert({ _id: hashToken(token), purpose, expiresAt, ...content });
    return token;
  }

  /** What a token stands for, which stays good; null for one that is unknown, used, expired or of another kind. */
  async read<P extends Purpose>(purpose: P, token: string): Promise<Purposes[P] | null> {
    const found = await this.collection.findOne({ _id: hashToken(token), purpose, expiresAt: { $gt: now() } });
    return found as Purposes[P] | null;
  }

  /** As {@link read}, for the last time: of several who use a token at once, one gets an answer. */
  async use<P extends Purpose>(purpose: P, token: string): Promise<Purposes[P] | null> {
    const found = await this.read(purpose, token);
    const removed = found && (await this.collection.remove({ _id: hashToken(token), purpose }));
    return removed ? found : null;
  }

  /** Those of a user stop being good. */
  async revoke(userId: string, ...purposes: Purpose[]): Promise<void> {
    await this.collection.remove({ userId, ...(purposes.length > 0 && { purpose: { $in: purposes } }) });
  }

  async clean(): Promise<void> {
    await this.collection.remove({ expiresAt: { $lt: now() } });
  }
}
