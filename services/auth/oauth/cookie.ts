import { Mac } from "../derived-keys";
import { hashToken, randomToken } from "../tokens/one-time-tokens";

/** Seconds from asking a provider to coming back. */
export const COOKIE_S = 600;

/** A browser, by its cookie. */
export interface Browser {
  /** What only this browser knows. */
  secret: string;
  /** What may be stored of it. */
  hash: string;
}

/**
 * The cookie that ties a provider's answer to the browser that asked: `secret.seal`. It stays the same while several tabs
 * ask. Without its seal, one who can set a browser's cookies could choose the secret.
 */
export class BrowserCookies {
  readonly name: string;
  private readonly attributes: string;
  private readonly seals: Mac;

  constructor(keySecret: string, webUrl: string) {
    const secure = webUrl.startsWith("https:");
    // The prefix keeps other hosts of the domain from setting it (RFC 6265bis, 4.1.3.2).
    this.name = secure ? "__Host-sign-in" : "sign-in";
    this.attributes = `; Path=/; Max-Age=${COOKIE_S}; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
    this.seals = new Mac(keySecret, "sign-in cookies");
  }

  /** The browser that sent this `Cookie` header; undefined where it has none of our cookies. */
  read(header: string | undefined): Browser | undefined {
    for (const pair of (header ?? "").split(";")) {
      const [name, value = "", ...rest] = pair.trim().split("=");
      const [secret = "", seal = "", ...more] = value.split(".");
      if (name !== this.name || rest.length > 0 || more.length > 0) continue;
      if (secret !== "" && this.seals.matches(secret, seal)) return { secret, hash: hashToken(secret) };
    }
    return undefined;
  }

  fresh(): Browser {
    const secret = randomToken();
    return { secret, hash: hashToken(secret) };
  }

  /** The `Set-Cookie` header; again for the same browser, it starts the time anew. */
  header({ secret }: Browser): string {
    return `${this.name}=${secret}.${this.seals.of(secret)}${this.attributes}`;
  }
}
