import { createHash, createHmac, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import jwt from "jsonwebtoken";
import { type Answer, type Asked, consentPage, LoopbackProvider } from "./loopback";

export interface KakaoPerson {
  nickname: string;
  /** Of whom userinfo speaks instead. */
  sub?: string;
  email?: string;
  email_verified?: boolean;
}

export type Claims = Record<string, unknown>;

interface Granted {
  sub: string;
  nonce?: string;
  redirectUri: string;
  challenge?: string;
}

const TOKEN_SECONDS = 21_599;
const newKey = () => ({ kid: randomUUID(), ...generateKeyPairSync("rsa", { modulusLength: 2048 }) });
const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

const refused = (status: number, error: string, error_description: string, error_code: string): Answer => ({
  status,
  json: { error, error_description, error_code },
});

/**
 * Speaks Kakao Login with OpenID Connect as developers.kakao.com has it (kakaologin/rest-api, kakaologin/utilize OIDC,
 * kakaologin/trouble-shooting): discovery, `client_secret_post`, RS256, an ID token with `nickname` and `email` but no
 * `email_verified`, which only userinfo has; errors with a `KOE` code (the one of a wrong
 * PKCE verifier is not documented). Kakao sends no `iss` with the code.
 */
export class KakaoServer extends LoopbackProvider {
  readonly people: Record<string, KakaoPerson> = {};
  /** Makes the ID token; tests put another one in its place. */
  idToken = (claims: Claims): string => this.sign(claims);
  /** What discovery says instead. */
  metadata: Record<string, unknown> = {};
  private key = newKey();
  private readonly codes = new Map<string, Granted>();
  private readonly accessTokens = new Map<string, string>();

  constructor(
    readonly client: { id: string; secret: string; redirectUri: string },
    people: Record<string, KakaoPerson>,
  ) {
    super();
    Object.assign(this.people, people);
  }

  sign(claims: Claims, key = this.key): string {
    return jwt.sign(claims, key.privateKey, { algorithm: "RS256", keyid: this.key.kid });
  }

  signWithForeignKey = (claims: Claims): string => this.sign(claims, newKey());

  unsigned = (claims: Claims): string => `${encoded({ alg: "none", typ: "JWT" })}.${encoded(claims)}.`;

  /** HMAC with what everybody knows, the public key, in the hope that it is taken for the secret. */
  signWithPublicKey(claims: Claims): string {
    const signed = `${encoded({ alg: "HS256", typ: "JWT", kid: this.key.kid })}.${encoded(claims)}`;
    const secret = this.key.publicKey.export({ format: "pem", type: "spki" });
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  }

  rotateKeys(): void {
    this.key = newKey();
  }

  issued = async (): Promise<number> => this.accessTokens.size;

  protected answer(asked: Asked): Answer {
    const call = `${asked.method} ${asked.path}`;
    if (call === "GET /.well-known/openid-configuration") return { json: { ...this.discovery(), ...this.metadata } };
    if (call === "GET /.well-known/jwks.json") return { json: { keys: [this.publicKey()] } };
    if (asked.path === "/oauth/authorize") return this.authorize(asked);
    if (call === "POST /oauth/token") return this.token(asked.params);
    if (call === "GET /v1/oidc/userinfo") return this.userinfo(asked);
    return refused(404, "invalid_request", "Not found", "KOE002");
  }

  private discovery() {
    return {
      issuer: this.origin,
      authorization_endpoint: `${this.origin}/oauth/authorize`,
      token_endpoint: `${this.origin}/oauth/token`,
      userinfo_endpoint: `${this.origin}/v1/oidc/userinfo`,
      jwks_uri: `${this.origin}/.well-known/jwks.json`,
      token_endpoint_auth_methods_supported: ["client_secret_post"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      request_uri_parameter_supported: false,
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      code_challenge_methods_supported: ["S256"],
      claims_supported: ["iss", "aud", "sub", "auth_time", "exp", "iat", "nonce", "nickname", "picture", "email"],
    };
  }

  private publicKey() {
    return { ...this.key.publicKey.export({ format: "jwk" }), kid: this.key.kid, alg: "RS256", use: "sig" };
  }

  private authorize({ method, params }: Asked): Answer {
    const redirectUri = params.get("redirect_uri") ?? "";
    if (params.get("client_id") !== this.client.id)
      return refused(401, "invalid_client", "Not exist client_id", "KOE101");
    if (redirectUri !== this.client.redirectUri) return refused(400, "invalid_request", "Redirect URI", "KOE006");
    if (params.get("response_type") !== "code")
      return refused(400, "invalid_request", "Unsupported response type", "KOE201");
    const back = new URL(redirectUri);
    const state = params.get("state");
    if (params.get("cancel")) {
      back.search = new URLSearchParams({
        error: "access_denied",
        error_description: "User denied access",
      }).toString();
    } else {
      const sub = params.get("login") ?? "";
      if (method !== "POST" || !this.people[sub]) return { html: consentPage("/oauth/authorize", params) };
      const code = randomBytes(32).toString("base64url");
      this.codes.set(code, {
        sub,
        nonce: params.get("nonce") ?? undefined,
        redirectUri,
        challenge: params.get("code_challenge") ?? undefined,
      });
      back.searchParams.set("code", code);
    }
    if (state) back.searchParams.set("state", state);
    return { location: back.href };
  }

  private token(params: URLSearchParams): Answer {
    const code = params.get("code") ?? "";
    const verifier = params.get("code_verifier") ?? "";
    if (verifier) this.secrets.push(verifier);
    if (params.get("grant_type") !== "authorization_code")
      return refused(400, "unsupported_grant_type", "bad grant type", "KOE203");
    if (params.get("client_id") !== this.client.id || params.get("client_secret") !== this.client.secret)
      return refused(401, "invalid_client", "Bad client credentials", "KOE010");
    const granted = this.codes.get(code);
    if (!granted) return refused(400, "invalid_grant", `authorization code not found for code=${code}`, "KOE320");
    this.codes.delete(code);
    if (params.get("redirect_uri") !== granted.redirectUri)
      return refused(400, "invalid_grant", "Redirect URI mismatch.", "KOE303");
    const proof = createHash("sha256").update(verifier).digest("base64url");
    if (granted.challenge && proof !== granted.challenge)
      return refused(400, "invalid_grant", "code verifier mismatch", "KOE320");
    return { json: this.tokensFor(granted) };
  }

  private tokensFor({ sub, nonce }: Granted) {
    const { nickname, email } = this.people[sub] ?? { nickname: "" };
    const now = Math.floor(Date.now() / 1000);
    const times = { auth_time: now, iat: now, exp: now + TOKEN_SECONDS };
    const claims = { iss: this.origin, aud: this.client.id, sub, ...times, nonce, nickname, email };
    const access_token = this.newSecret();
    this.accessTokens.set(access_token, sub);
    const id_token = this.idToken(JSON.parse(JSON.stringify(claims)));
    this.secrets.push(id_token);
    return {
      access_token,
      token_type: "bearer",
      refresh_token: this.newSecret(),
      id_token,
      expires_in: TOKEN_SECONDS,
      scope: "openid account_email profile_nickname",
      refresh_token_expires_in: 5_183_999,
    };
  }

  private userinfo({ authorization }: Asked): Answer {
    const sub = this.accessTokens.get(authorization.replace(/^Bearer /, ""));
    if (!sub) return { status: 401, json: { msg: "this access token does not exist", code: -401 } };
    return { json: { sub, ...this.people[sub] } };
  }
}
