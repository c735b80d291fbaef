import { Browser } from "../providers/browser";
import type { Claims } from "../providers/kakao";
import { newEmail } from "./auth.accounts";
import { pass } from "./auth.clock";
import { codeOf, newLogin, shop, startShop, stopShop, toldTo } from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);
const honest = (claims: Claims) => shop.providers.kakao.sign(claims);
afterEach(() => {
  shop.providers.kakao.idToken = honest;
});

function person(email?: string): string {
  const login = newLogin();
  shop.providers.kakao.people[login] = { nickname: "N", ...(email && { email, email_verified: true }) };
  return login;
}

/** How a sign-in ends that Kakao answers with such an ID token. */
async function endOf(idToken: (claims: Claims) => string, login = person()): Promise<Record<string, string>> {
  shop.providers.kakao.idToken = idToken;
  return toldTo(await shop.signIn(new Browser(), "kakao", login));
}

const forgeries: [string, (claims: Claims) => string][] = [
  ["of another issuer", (claims) => honest({ ...claims, iss: shop.providers.oidc.issuer })],
  ["for another client", (claims) => honest({ ...claims, aud: "another" })],
  [
    "for several clients that names none it was given to",
    (claims) => honest({ ...claims, aud: ["shop-id", "another"] }),
  ],
  ["with another nonce", (claims) => honest({ ...claims, nonce: "another" })],
  ["without a nonce", ({ nonce: _, ...claims }) => honest(claims)],
  ["that has expired", (claims) => honest({ ...claims, exp: Number(claims.iat) - 120 })],
  ["without an expiry", ({ exp: _, ...claims }) => honest(claims)],
  ["without a subject", ({ sub: _, ...claims }) => honest(claims)],
  ["with an empty subject", (claims) => honest({ ...claims, sub: "" })],
  ["with a subject that is no text", (claims) => honest({ ...claims, sub: { $ne: "" } })],
  ["signed with a foreign key", (claims) => shop.providers.kakao.signWithForeignKey(claims)],
  ["signed by nobody", (claims) => shop.providers.kakao.unsigned(claims)],
  ["signed with the public key as a secret", (claims) => shop.providers.kakao.signWithPublicKey(claims)],
  ["that is none", () => "x.y.z"],
];
it.each(forgeries)("an ID token %s is refused", async (_, idToken) => {
  expect(await endOf(idToken)).toEqual({ path: "/", error: "PROVIDER_ERROR" });
});

it("an ID token of another flow, signed and fresh as it is, is refused", async () => {
  const victim = person();
  let stolen = "";
  await endOf((claims) => {
    stolen = honest(claims);
    return stolen;
  }, victim);
  // Of the same person, so that nothing but the nonce tells it apart.
  expect(await endOf(() => stolen, victim)).toEqual({ path: "/", error: "PROVIDER_ERROR" });
});

it("what userinfo says of somebody else is not believed", async () => {
  const email = newEmail();
  const login = person(email);
  shop.providers.kakao.people[login] = { nickname: "N", email, email_verified: true, sub: "another" };
  expect(await endOf(honest, login)).toEqual({ path: "/", error: "PROVIDER_ERROR" });
});

it("asks userinfo nothing that the ID token has told already", async () => {
  const { kakao } = shop.providers;
  const login = person(newEmail());
  kakao.idToken = (claims) => honest({ ...claims, email_verified: true });
  const before = kakao.count("/v1/oidc/userinfo");
  const { user } = await shop.account("kakao", login);
  expect(user).toMatchObject({ email: kakao.people[login]?.email, emailVerified: true });
  expect(kakao.count("/v1/oidc/userinfo")).toBe(before);
});

it("asks for endpoints and keys once, not at every sign-in", async () => {
  const { oidc, kakao } = shop.providers;
  for (let i = 0; i < 3; i++) {
    await shop.account("oidc", await shop.person());
    await shop.account("kakao", person());
  }
  expect([oidc.count("GET /.well-known/openid-configuration"), oidc.count("GET /jwks")]).toEqual([1, 1]);
  const { length: discoveries } = kakao.asked.filter(({ path }) => path === "/.well-known/openid-configuration");
  expect(discoveries).toBe(1);
});

it("follows a provider that signs with another key", async () => {
  const login = person();
  const { user } = await shop.account("kakao", login);
  shop.providers.kakao.rotateKeys();
  // Not at once, lest invented keys make us ask without end.
  pass(61_000);
  expect((await shop.account("kakao", login)).user.id).toBe(user.id);
});

it("the code that one comes back with is good for 60 seconds", async () => {
  const browser = new Browser();
  const [early, late] = [await shop.signIn(browser, "kakao", person()), await shop.signIn(browser, "kakao", person())];
  pass(59_000);
  expect((await shop.exchange(browser, codeOf(early))).status).toBe(200);
  pass(2000);
  const { status, body } = await shop.exchange(browser, codeOf(late));
  expect([status, body.code]).toEqual([400, "BAD_TOKEN"]);
});

it("a sign-in that takes more than ten minutes begins again", async () => {
  const browser = new Browser();
  const { url } = await shop.upToCallback(browser, "kakao", person());
  const cookie = await browser.cookies(shop.web);
  pass(601_000);
  expect(toldTo(await browser.go(url))).toEqual({ path: "/", error: "BAD_STATE" });
  // Nor does it go on for who kept the cookie.
  const kept = await fetch(url, { redirect: "manual", headers: { Cookie: cookie } });
  expect(kept.headers.get("location")).toBe(`${shop.web}/?error=BAD_STATE`);
  expect(toldTo(await shop.signIn(browser, "kakao", person()))).toHaveProperty("code");
});
