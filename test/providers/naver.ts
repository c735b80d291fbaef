import { randomBytes } from "node:crypto";
import { type Answer, type Asked, consentPage, LoopbackProvider } from "./loopback";

export interface NaverPerson {
  name?: string;
  nickname?: string;
  email?: string;
}

const refused = (error: string, error_description: string): Answer => ({ json: { error, error_description } });

/**
 * Speaks Naver Login as developers.naver.com has it (login/api, login/profile): plain OAuth 2.0 without PKCE; the token
 * endpoint wants `state` too, answers errors with status 200 and `expires_in` as a string; the profile comes in an
 * envelope with a `resultcode`. Both of Naver's hosts, nid and openapi, are this one. A code is good once.
 */
export class NaverServer extends LoopbackProvider {
  readonly people: Record<string, NaverPerson> = {};
  private readonly codes = new Map<string, { id: string; state: string }>();
  private readonly accessTokens = new Map<string, string>();

  constructor(
    readonly client: { id: string; secret: string; redirectUri: string },
    people: Record<string, NaverPerson>,
  ) {
    super();
    Object.assign(this.people, people);
  }

  issued = async (): Promise<number> => this.accessTokens.size;

  protected answer(asked: Asked): Answer {
    if (asked.path === "/oauth2.0/authorize") return this.authorize(asked);
    if (asked.path === "/oauth2.0/token") return this.token(asked.params);
    if (asked.path === "/v1/nid/me") return this.me(asked);
    return { status: 404, html: "<p>Not found</p>" };
  }

  private authorize({ method, params }: Asked): Answer {
    const redirectUri = params.get("redirect_uri") ?? "";
    const state = params.get("state") ?? "";
    const known = params.get("client_id") === this.client.id && redirectUri === this.client.redirectUri;
    if (!known || params.get("response_type") !== "code" || !state)
      return { html: "<p>페이지를 찾을 수 없습니다</p>", status: 400 };
    const back = new URL(redirectUri);
    if (params.get("cancel")) {
      const answer = { state, error: "access_denied", error_description: "Canceled By User" };
      return { location: `${back.href}?${new URLSearchParams(answer)}` };
    }
    const id = params.get("login") ?? "";
    if (method !== "POST" || !this.people[id]) return { html: consentPage("/oauth2.0/authorize", params) };
    const code = randomBytes(12).toString("base64url");
    this.codes.set(code, { id, state });
    return { location: `${back.href}?${new URLSearchParams({ code, state })}` };
  }

  private token(params: URLSearchParams): Answer {
    const code = params.get("code") ?? "";
    if (params.get("grant_type") !== "authorization_code") return refused("invalid_request", "wrong grant_type");
    if (params.get("client_id") !== this.client.id || params.get("client_secret") !== this.client.secret)
      return refused("invalid_client", "client_id or client_secret is wrong");
    const granted = this.codes.get(code);
    if (!granted || params.get("state") !== granted.state)
      return refused("invalid_request", "no valid data in session");
    this.codes.delete(code);
    const access_token = this.newSecret();
    this.accessTokens.set(access_token, granted.id);
    return { json: { access_token, refresh_token: this.newSecret(), token_type: "bearer", expires_in: "3600" } };
  }

  private me({ authorization }: Asked): Answer {
    const id = this.accessTokens.get(authorization.replace(/^Bearer /, ""));
    if (!id)
      return { status: 401, json: { resultcode: "024", message: "Authentication failed (인증 실패하였습니다.)" } };
    return { json: { resultcode: "00", message: "success", response: { id, ...this.people[id] } } };
  }
}
