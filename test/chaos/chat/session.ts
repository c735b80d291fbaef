import { expectStatus, PASSWORD, type Shop, type Tokens } from "../../e2e/shop";

/** Milliseconds after which a token is renewed with the next connection. */
const RENEWED_AFTER_MS = 45_000;

/** Somebody who is signed in, with a token that is renewed. */
export class Session {
  constructor(
    private readonly shop: Shop,
    private tokens: Tokens,
  ) {}

  private since = Date.now();

  get user(): Tokens["user"] {
    return this.tokens.user;
  }
  get token(): string {
    return this.tokens.accessToken;
  }

  /** An access token that is good for a while; where the answer to the last renewal was lost one signs in again. */
  async fresh(): Promise<string> {
    if (Date.now() - this.since < RENEWED_AFTER_MS) return this.token;
    const { refreshToken, user } = this.tokens;
    const answer = await this.shop.call<Tokens>("POST", "/auth/refresh", { body: { refreshToken } });
    this.tokens = answer.status === 401 ? await this.shop.login(user.email, PASSWORD) : expectStatus(answer, 200);
    this.since = Date.now();
    return this.token;
  }
}
