import { expectStatus, PASSWORD, type Shop, type Tokens } from "../../e2e/shop";

/** Somebody who is signed in, with a token that is renewed. */
export class Session {
  constructor(
    private readonly shop: Shop,
    private tokens: Tokens,
  ) {}

  get user(): Tokens["user"] {
    return this.tokens.user;
  }
  get token(): string {
    return this.tokens.accessToken;
  }

  /** A new access token; where the answer to the last renewal was lost one signs in again. */
  async fresh(): Promise<string> {
    const { refreshToken, user } = this.tokens;
    const answer = await this.shop.call<Tokens>("POST", "/auth/refresh", { body: { refreshToken } });
    this.tokens = answer.status === 401 ? await this.shop.login(user.email, PASSWORD) : expectStatus(answer, 200);
    return this.token;
  }
}
