import { Mac } from "../derived-keys";
import { hashToken, randomToken } from "./one-time-tokens";

/** A refresh token that is ours: its session, and its hash, which is all that is stored of it. */
export interface RefreshToken {
  sid: string;
  hash: string;
}

/**
 * Refresh tokens are `sid.random.seal`: 256 random bits, and a seal over both so that any token a session ever gave out
 * is known as its own, however long its hash has been forgotten, while one that was made up can end no session.
 */
export class RefreshTokens {
  private readonly seals: Mac;

  constructor(keySecret: string) {
    this.seals = new Mac(keySecret, "refresh tokens");
  }

  make(sid: string): RefreshToken & { token: string } {
    const random = randomToken();
    const token = `${sid}.${random}.${this.seals.of(`${sid}.${random}`)}`;
    return { sid, token, hash: hashToken(token) };
  }

  /** Undefined for what no session ever gave out. */
  read(token: string): RefreshToken | undefined {
    const [sid, random, seal, ...rest] = token.split(".");
    if (!sid || !random || !seal || rest.length > 0) return undefined;
    return this.seals.matches(`${sid}.${random}`, seal) ? { sid, hash: hashToken(token) } : undefined;
  }
}
