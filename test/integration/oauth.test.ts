import { Browser } from "../providers/browser";
import { newEmail, PASSWORD } from "./auth.accounts";
import { eventually } from "./node";
import {
  codeOf,
  isCallback,
  newLogin,
  node,
  type ProviderName,
  shop,
  startShop,
  stopShop,
  toldTo,
} from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);

const admin = { user: { id: "an-admin", roles: ["admin" as const], sid: "" } };
const providers = ["oidc", "kakao", "naver"] as const satisfies ProviderName[];

it("tells which providers one can sign in with", async () => {
  const { body } = await shop.call("GET", "/auth/providers");
  expect(body).toEqual({
    items: [
      { id: "kakao", name: "Kakao" },
      { id: "naver", name: "Naver" },
      { id: "google", name: "Google" },
      { id: "oidc", name: "OpenID Connect" },
    ],
  });
});

it("makes an account at the first sign-in, and leads to the same one ever after", async () => {
  const email = newEmail();
  const login = await shop.person({ email, email_verified: true, name: "Kim" });
  const browser = new Browser();
  const page = await shop.signIn(browser, "oidc", login, shop.startOf("oidc", "/orders?tab=1#top"));
  expect(toldTo(page)).toEqual({ path: "/orders", tab: "1", code: expect.any(String) });
  const { status, body } = await shop.exchange(browser, codeOf(page));
  expect(status).toBe(200);
  expect(body).toMatchObject({ tokenType: "Bearer", refreshToken: expect.any(String), expiresIn: 900 });
  expect(body.user).toMatchObject({ email, emailVerified: true, name: "Kim", roles: ["customer"], status: "active" });
  expect((await shop.call("GET", "/users/me", body)).body).toEqual(body.user);
  expect((await shop.account("oidc", login)).user).toEqual(body.user);
  // In the browser that is known to the provider there are no pages in between.
  expect((await shop.account("oidc", login, browser)).user.id).toBe(body.user.id);
});

it("goes by the subject: whoever comes later with the same address at the provider is somebody else", async () => {
  const email = newEmail();
  const first = await shop.account("oidc", await shop.person({ email, email_verified: true }));
  const browser = new Browser();
  const page = await shop.signIn(browser, "oidc", await shop.person({ email, email_verified: true }));
  expect(toldTo(page)).toEqual({ path: "/", error: "ACCOUNT_EXISTS" });
  expect((await shop.call("GET", "/users/me", first)).body).toEqual(first.user);
});

it("keeps an account's name and address when the provider says others", async () => {
  const email = newEmail();
  const login = await shop.person({ email, email_verified: true, name: "Kim" });
  const { user } = await shop.account("oidc", login);
  await shop.providers.oidc.know(login, { email: newEmail(), email_verified: true, name: "Lee" });
  expect((await shop.account("oidc", login)).user).toEqual(user);
});

it("does not believe an address that the provider has not verified", async () => {
  const own = await shop.register();
  const { email } = own.user;
  for (const says of [{ email_verified: false }, {}]) {
    const login = await shop.person({ email: email ?? "", name: "Mallory", ...says });
    const { user } = await shop.account("oidc", login);
    expect(user).toMatchObject({ email: null, emailVerified: false, name: "Mallory" });
    expect(user.id).not.toBe(own.user.id);
  }
  expect((await shop.call("GET", "/users/me", own)).body).toEqual(own.user);
});

it("makes an account of whom the provider says nothing", async () => {
  const { user } = await shop.account("oidc", await shop.person());
  expect(user).toMatchObject({ email: null, emailVerified: false, name: expect.stringMatching(/\S/) });
});

it("signs in with Kakao, whose userinfo alone says whether the address is verified", async () => {
  const [verified, unverified] = [newLogin(), newLogin()];
  const email = newEmail();
  shop.providers.kakao.people[verified] = { nickname: "홍길동", email, email_verified: true };
  shop.providers.kakao.people[unverified] = { nickname: "성춘향", email: newEmail(), email_verified: false };
  const { user } = await shop.account("kakao", verified);
  expect(user).toMatchObject({ email, emailVerified: true, name: "홍길동" });
  expect((await shop.account("kakao", verified)).user).toEqual(user);
  expect((await shop.account("kakao", unverified)).user).toMatchObject({ email: null, name: "성춘향" });
});

it("signs in with Naver, which does not say that an address is verified", async () => {
  const id = newLogin();
  shop.providers.naver.people[id] = { name: "이몽룡", nickname: "몽룡", email: newEmail() };
  const { user } = await shop.account("naver", id);
  expect(user).toMatchObject({ email: null, emailVerified: false, name: "이몽룡" });
  expect((await shop.account("naver", id)).user).toEqual(user);
});

it("signs in with Google as with any OpenID provider", async () => {
  const email = newEmail();
  const login = await shop.person({ email, email_verified: true, name: "Kim" });
  const { user } = await shop.account("google", login);
  expect(user).toMatchObject({ email, emailVerified: true, name: "Kim" });
  expect((await shop.account("google", login)).user).toEqual(user);
});

it("keeps apart the same subject of two providers", async () => {
  const id = newLogin();
  shop.providers.naver.people[id] = { name: "One" };
  shop.providers.kakao.people[id] = { nickname: "Another" };
  expect((await shop.account("naver", id)).user.id).not.toBe((await shop.account("kakao", id)).user.id);
});

it.each(providers)(
  "comes back from %s with ACCESS_DENIED where somebody says no, and can begin again",
  async (provider) => {
    const login = newLogin();
    await shop.providers.oidc.know(login, {});
    shop.providers.kakao.people[login] = { nickname: "N" };
    shop.providers.naver.people[login] = { name: "N" };
    const browser = new Browser();
    const page = await browser.go(shop.startOf(provider, "/login"));
    const asked = provider === "oidc" ? await browser.submit(page, { login, password: "any" }) : page;
    expect(toldTo(await browser.follow(asked, /Cancel|취소/))).toEqual({ path: "/login", error: "ACCESS_DENIED" });
    await expect(shop.account(provider, login, browser)).resolves.toHaveProperty("accessToken");
  },
);

it("keeps a locked account out", async () => {
  const login = await shop.person();
  const { user } = await shop.account("oidc", login);
  await node.as(admin, "user.change", { id: user.id, status: "locked" });
  expect(toldTo(await shop.signIn(new Browser(), "oidc", login))).toEqual({ path: "/", error: "ACCOUNT_LOCKED" });
  await node.as(admin, "user.change", { id: user.id, status: "active" });
  expect((await shop.account("oidc", login)).user.id).toBe(user.id);
});

it("keeps an account out that is locked between the callback and the exchange", async () => {
  const login = await shop.person();
  const { user } = await shop.account("oidc", login);
  const browser = new Browser();
  const page = await shop.signIn(browser, "oidc", login);
  await node.as(admin, "user.change", { id: user.id, status: "locked" });
  expect((await shop.exchange(browser, codeOf(page))).status).toBeGreaterThanOrEqual(400);
});

it("never leads to an erased account: whoever comes back is new, and the address is free", async () => {
  const email = newEmail();
  const login = await shop.person({ email, email_verified: true });
  const account = await shop.account("oidc", login);
  expect((await shop.call("DELETE", "/users/me", account)).status).toBe(204);
  const again = await eventually(() => shop.account("oidc", login).catch(() => undefined));
  expect(again.user.id).not.toBe(account.user.id);
  expect(again.user.email).toBe(email);
});

it("does not give a session to an account that is erased between the callback and the exchange", async () => {
  const login = await shop.person();
  const account = await shop.account("oidc", login);
  const browser = new Browser();
  const page = await shop.signIn(browser, "oidc", login);
  expect((await shop.call("DELETE", "/users/me", account)).status).toBe(204);
  expect((await shop.exchange(browser, codeOf(page))).status).toBeGreaterThanOrEqual(400);
});

it("makes one account of first sign-ins at once", async () => {
  const email = newEmail();
  const login = await shop.person({ email, email_verified: true });
  const browsers = Array.from({ length: 4 }, () => new Browser());
  const held = await Promise.all(browsers.map((browser) => shop.upToCallback(browser, "oidc", login)));
  const ends = await Promise.all(
    browsers.map(async (browser, i) => {
      const page = await browser.go(held[i]?.url ?? "");
      return shop.exchange(browser, codeOf(page));
    }),
  );
  const ids = ends.filter(({ status }) => status === 200).map(({ body }) => body.user.id);
  expect(ids).toHaveLength(4);
  expect(new Set(ids).size).toBe(1);
  expect((await shop.account("oidc", login)).user.id).toBe(ids[0]);
});

it("makes one account of a sign-in and a registration with the same address at once", async () => {
  const email = newEmail();
  const login = await shop.person({ email, email_verified: true });
  const browser = new Browser();
  const { url } = await shop.upToCallback(browser, "oidc", login);
  const [page, registered] = await Promise.all([
    browser.go(url),
    shop.call("POST", "/auth/register", undefined, { email, password: PASSWORD, name: "Own" }),
  ]);
  const outcome = [registered.status, toldTo(page).error ?? "signed in"];
  expect([
    [201, "ACCOUNT_EXISTS"],
    [409, "signed in"],
  ]).toContainEqual(outcome);
});

it("lets several tabs of a browser sign in at a time", async () => {
  const login = await shop.person();
  const browser = new Browser();
  const going = { stopBefore: isCallback };
  const [first, second] = [await browser.go(shop.startOf("oidc")), await browser.go(shop.startOf("kakao"))];
  shop.providers.kakao.people[login] = { nickname: "N" };
  const callbacks = [await browser.agree(first, login, going), await browser.agree(second, login, going)];
  for (const { url } of callbacks) {
    const page = await browser.go(url);
    expect((await shop.exchange(browser, codeOf(page))).status).toBe(200);
  }
});
