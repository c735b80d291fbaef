import { Browser } from "../providers/browser";
import { newEmail, PASSWORD } from "./auth.accounts";
import { codeOf, newLogin, shop, startShop, stopShop, toldTo } from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);

function kakaoPerson(email?: string): string {
  const login = newLogin();
  shop.providers.kakao.people[login] = { nickname: "N", ...(email && { email, email_verified: true }) };
  return login;
}

it("asks for the password where the provider's address is a password account's, then links and signs in with both", async () => {
  const own = await shop.register();
  const { email } = own.user;
  const login = await shop.person({ email: email?.toUpperCase(), email_verified: true, name: "Other" });
  const browser = new Browser();
  const refused = await shop.signIn(browser, "oidc", login, shop.startOf("oidc", "/login"));
  expect(toldTo(refused)).toEqual({ path: "/login", error: "ACCOUNT_EXISTS" });
  expect(await shop.links(own)).toEqual([]);

  const linked = await shop.link(own, "oidc", login, browser);
  expect(toldTo(linked)).toEqual({ path: "/account", linked: "oidc" });
  const { body } = await shop.call("GET", "/auth/links", own);
  expect(body).toEqual({ items: [{ provider: "oidc", linkedAt: expect.stringMatching(/^2.*Z$/) }] });
  expect((await shop.account("oidc", login)).user).toEqual(own.user);
  const { status } = await shop.call("POST", "/auth/login", undefined, { email, password: PASSWORD });
  expect(status).toBe(200);
});

it("takes over neither name nor address of what is linked", async () => {
  const own = await shop.register();
  await shop.link(own, "oidc", await shop.person({ email: newEmail(), email_verified: true, name: "Other" }));
  expect((await shop.call("GET", "/users/me", own)).body).toEqual(own.user);
});

it("refuses to link what is another account's, and leaves both as they were", async () => {
  const login = await shop.person();
  const first = await shop.account("oidc", login);
  const second = await shop.register();
  expect(toldTo(await shop.link(second, "oidc", login))).toEqual({ path: "/account", error: "ALREADY_LINKED" });
  expect(await shop.links(second)).toEqual([]);
  expect((await shop.account("oidc", login)).user.id).toBe(first.user.id);
});

it("links a subject to one of two accounts that want it at once", async () => {
  const login = await shop.person();
  const accounts = [await shop.register(), await shop.register()];
  const held = await Promise.all(
    accounts.map(async (account) => {
      const browser = new Browser();
      const url = await shop.linkUrl(account, "oidc", browser);
      return { browser, page: await shop.upToCallback(browser, "oidc", login, url) };
    }),
  );
  const ends = await Promise.all(held.map(({ browser, page }) => browser.go(page.url)));
  const told = ends.map((page) => toldTo(page).linked ?? toldTo(page).error);
  expect(told.sort()).toEqual(["ALREADY_LINKED", "oidc"]);
  const linked = (await Promise.all(accounts.map((account) => shop.links(account)))).flat();
  expect(linked).toEqual(["oidc"]);
});

it("refuses a second account of the same provider", async () => {
  const own = await shop.register();
  await shop.link(own, "oidc", await shop.person());
  const { status, body } = await shop.call("POST", "/auth/links/oidc", own, {});
  expect([status, body.code]).toEqual([409, "ALREADY_LINKED"]);
});

it("links for whoever asked, whoever is signed in at our page by then", async () => {
  const [asked, other] = [await shop.register(), await shop.register()];
  const browser = new Browser();
  const { url } = await shop.upToCallback(
    browser,
    "oidc",
    await shop.person(),
    await shop.linkUrl(asked, "oidc", browser),
  );
  await browser.post(shop.api("/auth/login"), { email: other.user.email, password: PASSWORD });
  expect(toldTo(await browser.go(url))).toMatchObject({ linked: "oidc" });
  expect([await shop.links(asked), await shop.links(other)]).toEqual([["oidc"], []]);
});

it("links nothing once the session that asked has ended", async () => {
  const own = await shop.register();
  const browser = new Browser();
  const { url } = await shop.upToCallback(
    browser,
    "oidc",
    await shop.person(),
    await shop.linkUrl(own, "oidc", browser),
  );
  await shop.call("POST", "/auth/logout", own, { refreshToken: own.refreshToken });
  expect(toldTo(await browser.go(url))).toHaveProperty("error");
  const { body } = await shop.call<typeof own>("POST", "/auth/login", undefined, {
    email: own.user.email,
    password: PASSWORD,
  });
  expect(await shop.links(body)).toEqual([]);
});

it("has a link finished by the browser that asked for it, and by no other", async () => {
  const victim = await shop.register();
  const attacker = new Browser();
  const attackers = await shop.register();
  const url = await shop.linkUrl(attackers, "oidc", attacker);
  const held = await shop.upToCallback(attacker, "oidc", await shop.person(), url);
  const browser = new Browser();
  await shop.linkUrl(victim, "oidc", browser);
  expect(toldTo(await browser.go(held.url))).toEqual({ path: "/", error: "BAD_STATE" });
  expect(await shop.links(victim)).toEqual([]);
});

it("never removes the last way to sign in", async () => {
  const login = await shop.person();
  const account = await shop.account("oidc", login);
  const { status, body } = await shop.call("DELETE", "/auth/links/oidc", account);
  expect([status, body.code]).toEqual([409, "LAST_CREDENTIAL"]);
  await shop.link(account, "kakao", kakaoPerson());
  expect(await shop.links(account)).toEqual(["kakao", "oidc"]);
  expect((await shop.call("DELETE", "/auth/links/oidc", account)).status).toBe(204);
  expect((await shop.call("DELETE", "/auth/links/kakao", account)).body.code).toBe("LAST_CREDENTIAL");
});

it("leaves one of two ways that are removed at once", async () => {
  const account = await shop.account("oidc", await shop.person());
  await shop.link(account, "kakao", kakaoPerson());
  const removals = await Promise.all(
    ["oidc", "kakao"].map((provider) => shop.call("DELETE", `/auth/links/${provider}`, account)),
  );
  expect(removals.map(({ status }) => status).sort()).toEqual([204, 409]);
  expect(await shop.links(account)).toHaveLength(1);
});

it("makes a new account of a provider's account that was unlinked, and lets it be linked elsewhere", async () => {
  const own = await shop.register();
  const login = kakaoPerson();
  await shop.link(own, "kakao", login);
  expect((await shop.call("DELETE", "/auth/links/kakao", own)).status).toBe(204);
  expect((await shop.call("DELETE", "/auth/links/kakao", own)).body.code).toBe("LINK_NOT_FOUND");
  const other = await shop.register();
  expect(toldTo(await shop.link(other, "kakao", login))).toMatchObject({ linked: "kakao" });
  expect((await shop.account("kakao", login)).user.id).toBe(other.user.id);
});

it("lets no sign-in through that began before its provider was unlinked", async () => {
  const own = await shop.register();
  const login = kakaoPerson();
  await shop.link(own, "kakao", login);
  const browser = new Browser();
  const page = await shop.signIn(browser, "kakao", login);
  expect((await shop.call("DELETE", "/auth/links/kakao", own)).status).toBe(204);
  const { status, body } = await shop.exchange(browser, codeOf(page));
  expect([status, body.code]).toEqual([400, "BAD_TOKEN"]);
});
