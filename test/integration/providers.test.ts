import * as client from "openid-client";
import { Browser } from "../providers/browser";
import { KakaoServer } from "../providers/kakao";
import { NaverServer } from "../providers/naver";
import { OidcProvider } from "../providers/oidc";

/** The providers that the tests of signing in rely on, seen with the eyes of an independent client. */
const shop = { id: "shop-id", secret: "shop-secret-of-the-tests", redirectUri: "http://localhost:9/callback" };
const kim = { nickname: "김", email: "kim@example.org", email_verified: true };
const isCallback = (url: URL) => url.href.startsWith(shop.redirectUri);

let kakao: KakaoServer;
let naver: NaverServer;
let oidc: OidcProvider;
beforeAll(async () => {
  kakao = await new KakaoServer(shop, { "1001": kim }).listen();
  naver = await new NaverServer(shop, { abc: { name: "이", email: "lee@naver.com" } }).listen();
  const known = { client_id: shop.id, client_secret: shop.secret, redirect_uris: [shop.redirectUri] };
  const people = { lee: { email: "lee@example.org", email_verified: true, name: "Lee" } };
  oidc = await OidcProvider.start([{ ...known, token_endpoint_auth_method: "client_secret_basic" }], people);
});
afterAll(() => Promise.all([kakao.close(), naver.close(), oidc.kill()]));

async function begin(issuer: string, auth: client.ClientAuth) {
  const options = { execute: [client.allowInsecureRequests] };
  const config = await client.discovery(new URL(issuer), shop.id, undefined, auth, options);
  const verifier = client.randomPKCECodeVerifier();
  const checks = { expectedNonce: client.randomNonce(), expectedState: client.randomState() };
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: shop.redirectUri,
    scope: "openid email profile",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    nonce: checks.expectedNonce,
    state: checks.expectedState,
  });
  const browser = new Browser();
  return { config, browser, page: await browser.go(url), checks: { ...checks, pkceCodeVerifier: verifier } };
}

async function signIn(issuer: string, auth: client.ClientAuth, login: string) {
  const { config, browser, page, checks } = await begin(issuer, auth);
  const { url } = await browser.agree(page, login, { stopBefore: isCallback });
  return { config, url, checks };
}

const withKakao = () => signIn(kakao.origin, client.ClientSecretPost(shop.secret), "1001");

test.each([
  ["Kakao", () => kakao.origin, client.ClientSecretPost(shop.secret), "1001", kim],
  [
    "the OpenID provider",
    () => oidc.issuer,
    client.ClientSecretBasic(shop.secret),
    "lee",
    { name: "Lee", email_verified: true },
  ],
] as const)("an OpenID client signs in with %s through its pages", async (_, issuer, auth, login, says) => {
  const { config, url, checks } = await signIn(issuer(), auth, login);
  const tokens = await client.authorizationCodeGrant(config, url, checks);
  const claims = tokens.claims();
  expect(claims).toMatchObject({ iss: issuer(), aud: shop.id, sub: login, nonce: checks.expectedNonce });
  expect(claims).not.toHaveProperty("email_verified");
  const info = await client.fetchUserInfo(config, tokens.access_token, login);
  expect(info).toMatchObject({ ...says });
  await expect(client.authorizationCodeGrant(config, url, checks)).rejects.toMatchObject({ error: "invalid_grant" });
});

test("the OpenID provider says who it is, wants PKCE and takes a no at its consent page", async () => {
  const { browser, page } = await begin(oidc.issuer, client.ClientSecretBasic(shop.secret));
  const asked = await browser.submit(page, { login: "lee", password: "any" });
  const { url } = await browser.follow(asked, /Cancel/, { stopBefore: isCallback });
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ error: "access_denied", iss: oidc.issuer });
  const bare = new URL(`${oidc.issuer}/auth`);
  const params = { client_id: shop.id, redirect_uri: shop.redirectUri, response_type: "code", scope: "openid" };
  bare.search = new URLSearchParams(params).toString();
  const refused = await new Browser().go(bare, { stopBefore: isCallback });
  expect(refused.url.searchParams.get("error")).toBe("invalid_request");
});

test("the OpenID provider comes back after a pause and, with other keys, after its death", async () => {
  const discovery = `${oidc.issuer}/.well-known/openid-configuration`;
  oidc.pause();
  const waiting = fetch(discovery);
  const early = await Promise.race([waiting, fetch(kakao.origin)]);
  expect(early.url).toContain(kakao.origin);
  oidc.resume();
  expect((await waiting).status).toBe(200);
  const kid = async () => ((await (await fetch(`${oidc.issuer}/jwks`)).json()) as { keys: { kid: string }[] }).keys;
  const old = await kid();
  await oidc.rotateKeys();
  expect(await kid()).not.toEqual(old);
  expect(oidc.count("openid-configuration")).toBeGreaterThan(0);
});

test("Kakao checks the secret, the verifier and the redirect URI, and answers with its codes", async () => {
  const ask = async (change: Record<string, string>) => {
    const { url, checks } = await withKakao();
    const form = {
      grant_type: "authorization_code",
      client_id: shop.id,
      client_secret: shop.secret,
      redirect_uri: shop.redirectUri,
      code: url.searchParams.get("code") ?? "",
      code_verifier: checks.pkceCodeVerifier,
      ...change,
    };
    const body = new URLSearchParams(form);
    return (await (await fetch(`${kakao.origin}/oauth/token`, { method: "POST", body })).json()) as object;
  };
  expect(await ask({ client_secret: "wrong" })).toMatchObject({ error: "invalid_client", error_code: "KOE010" });
  expect(await ask({ code_verifier: "wrong" })).toMatchObject({ error: "invalid_grant" });
  expect(await ask({ redirect_uri: "http://evil" })).toMatchObject({ error_code: "KOE303" });
  expect(await ask({ code: "unknown" })).toMatchObject({ error: "invalid_grant", error_code: "KOE320" });
  expect(await ask({})).toHaveProperty("id_token");
});

const forgeries: [string, KakaoServer["idToken"], RegExp][] = [
  ["of another issuer", (claims) => kakao.sign({ ...claims, iss: "http://127.0.0.1:1" }), /"iss"/],
  ["for another client", (claims) => kakao.sign({ ...claims, aud: "another" }), /"aud"/],
  ["of another flow", (claims) => kakao.sign({ ...claims, nonce: "another" }), /"nonce"/],
  ["that is over", (claims) => kakao.sign({ ...claims, exp: 1 }), /"exp"/],
  ["signed with a foreign key", (claims) => kakao.signWithForeignKey(claims), /signature/],
  ["without a signature", (claims) => kakao.unsigned(claims), /alg/],
  ["signed with the public key", (claims) => kakao.signWithPublicKey(claims), /alg/],
];
test.each(forgeries)("an ID token %s is what Kakao can be made to send", async (_, idToken, reason) => {
  const { config, url, checks } = await withKakao();
  client.enableNonRepudiationChecks(config);
  kakao.idToken = idToken;
  const refused = await client.authorizationCodeGrant(config, url, checks).catch((error: unknown) => error);
  kakao.idToken = (claims) => kakao.sign(claims);
  expect((refused as Error).cause).toMatchObject({ message: expect.stringMatching(reason) });
});

test("Naver answers errors with status 200, times as text and profiles in an envelope", async () => {
  const params = { response_type: "code", client_id: shop.id, redirect_uri: shop.redirectUri, state: "s1" };
  const authorize = `${naver.origin}/oauth2.0/authorize?${new URLSearchParams(params)}`;
  const browser = new Browser();
  const { url } = await browser.agree(await browser.go(authorize), "abc", { stopBefore: isCallback });
  const token = async (state: string) => {
    const { id: client_id, secret: client_secret } = shop;
    const code = url.searchParams.get("code") ?? "";
    const form = { grant_type: "authorization_code", client_id, client_secret, code, state };
    const answer = await fetch(`${naver.origin}/oauth2.0/token`, { method: "POST", body: new URLSearchParams(form) });
    expect(answer.status).toBe(200);
    return (await answer.json()) as Record<string, string>;
  };
  expect(await token("another")).toMatchObject({ error: "invalid_request" });
  const { access_token, expires_in } = await token("s1");
  expect(expires_in).toBe("3600");
  const me = async (bearer = "") => {
    const answer = await fetch(`${naver.origin}/v1/nid/me`, { headers: { Authorization: `Bearer ${bearer}` } });
    return [answer.status, await answer.json()];
  };
  const response = { id: "abc", name: "이", email: "lee@naver.com" };
  expect(await me(access_token)).toEqual([200, { resultcode: "00", message: "success", response }]);
  expect(await me("wrong")).toMatchObject([401, { resultcode: "024" }]);
});
