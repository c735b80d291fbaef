import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

/** A refresh token that is ours: its session, and its hash, which is all that is stored of it. */
export interface RefreshToken {
  sid: string;
  hash: string;
}

const hashOf = (token: string): string => createHash("sha256").update(token).digest("base64url");

/**
 * Refresh tokens are `sid.random.seal`: 256 random bits, and a seal over both so that any token a session ever gave out
 * is known as its own, however long its hash has been forgotten, while one that was made up can end no session.
 */
export class RefreshTokens {
  private readonly sealKey: Uint8Array;

  constructor(keySecret: string) {
    this.sealKey = new Uint8Array(hkdfSync("sha256", keySecret, "", "shop refresh tokens", 32));
  }

  make(sid: string): RefreshToken & { token: string } {
    const random = randomBytes(32).toString("base64url");
    const token = `${sid}.${random}.${this.seal(sid, random)}`;
    return { sid, token, hash: hashOf(token) };
  }

  /** Undefined for what no session ever gave out. */
  read(token: string): RefreshToken | undefined {
    const [sid, random, seal, ...rest] = token.split(".");
    if (!sid || !random || !seal || rest.length > 0) return undefined;
    const expected = Buffer.from(this.seal(sid, random));
    const given = Buffer.from(seal);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return { sid, hash: hashOf(token) };
  }

  private seal(sid: string, random: string): string {
    return createHmac("sha256", this.sealKey).update(`${sid}.${random}`).digest("base64url");
  }
}
