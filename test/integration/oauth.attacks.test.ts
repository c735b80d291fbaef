import { Browser } from "../providers/browser";
import { codeOf, newLogin, type ProviderName, shop, startShop, stopShop, toldTo } from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);

const BAD_STATE = { path: "/", error: "BAD_STATE" };
const providers: ProviderName[] = ["oidc", "kakao", "naver"];

/** Somebody who has an account with each provider. */
async function somebody(): Promise<string> {
  const login = await shop.person();
  shop.providers.kakao.people[login] = { nickname: "N" };
  shop.providers.naver.people[login] = { name: "N" };
  return login;
}

/** A sign-in that is about to come back. */
async function held(provider: ProviderName = "oidc", browser = new Browser(), login = "") {
  const { url } = await shop.upToCallback(browser, provider, login || (await somebody()));
  return { browser, url };
}

function changed(url: URL, params: Record<string, string | null>): URL {
  const copy = new URL(url);
  for (const [name, value] of Object.entries(params)) {
    if (value === null) copy.searchParams.delete(name);
    else copy.searchParams.set(name, value);
  }
  return copy;
}

/** The sign-in goes on as if nothing had happened. */
async function stillWorks({ browser, url }: { browser: Browser; url: URL }): Promise<void> {
  expect((await shop.exchange(browser, codeOf(await browser.go(url)))).status).toBe(200);
}

it.each(providers)("a stolen code of %s that is injected into another flow is refused", async (provider) => {
  const victim = await held(provider);
  const attacker = await held(provider);
  const issued = await shop.providers[provider].issued();
  const injected = changed(attacker.url, { code: victim.url.searchParams.get("code") });
  expect(toldTo(await attacker.browser.go(injected))).toEqual({ path: "/", error: "PROVIDER_ERROR" });
  // By PKCE, where the provider has that: it is not left to the nonce of tokens that it issued.
  expect(await shop.providers[provider].issued()).toBe(issued);
});

it.each(providers)("codes whose states are swapped, of two flows of a browser, are refused at %s", async (provider) => {
  const browser = new Browser();
  const [first, second] = [await held(provider, browser), await held(provider, browser)];
  const issued = await shop.providers[provider].issued();
  const swapped = changed(first.url, { state: second.url.searchParams.get("state") });
  expect(toldTo(await browser.go(swapped))).toEqual({ path: "/", error: "PROVIDER_ERROR" });
  expect(await shop.providers[provider].issued()).toBe(issued);
});

it.each([
  ["another browser's", async () => (await held()).url.searchParams.get("state")],
  ["an invented", async () => "c3RhdGU"],
  ["an empty", async () => ""],
  ["no", async () => null],
])("%s state is refused, and the flow it was swapped for is not used up", async (_, state) => {
  const victim = await held();
  expect(toldTo(await victim.browser.go(changed(victim.url, { state: await state() })))).toEqual(BAD_STATE);
  await stillWorks(victim);
});

it("a replayed callback is refused", async () => {
  const victim = await held();
  const page = await victim.browser.go(victim.url);
  expect(toldTo(await victim.browser.go(victim.url))).toEqual(BAD_STATE);
  expect((await shop.exchange(victim.browser, codeOf(page))).status).toBe(200);
});

it("a callback that comes twice at once is taken once", async () => {
  const { browser, url } = await held();
  const pages = await Promise.all([browser.go(url), browser.go(url)]);
  expect(pages.map((page) => Object.keys(toldTo(page)).at(-1)).sort()).toEqual(["code", "error"]);
});

it.each([
  ["without a cookie", async () => new Browser()],
  ["with a cookie of its own", async () => (await held()).browser],
])("a callback in another browser, %s, is refused", async (_, other) => {
  const victim = await held();
  expect(toldTo(await (await other()).go(victim.url))).toEqual(BAD_STATE);
  await stillWorks(victim);
});

it("an answer of no that another site makes up ends no sign-in", async () => {
  const victim = await held();
  const denied = changed(victim.url, { code: null, error: "access_denied" });
  expect(toldTo(await new Browser().go(denied))).toEqual(BAD_STATE);
  await stillWorks(victim);
});

it("a cookie that is tampered with or made up is refused", async () => {
  const victim = await held();
  const cookie = await victim.browser.cookies(shop.web);
  const [name = "", value = ""] = cookie.split("=");
  const [secret = "", seal = ""] = value.split(".");
  const another = await (await held()).browser.cookies(shop.web);
  const anotherSeal = another.split(".")[1] ?? "";
  const flipped = (text: string) => (text.startsWith("A") ? `B${text.slice(1)}` : `A${text.slice(1)}`);
  for (const forged of [
    secret,
    `${secret}.`,
    `.${seal}`,
    `${flipped(secret)}.${seal}`,
    `${secret}.${flipped(seal)}`,
    `${secret}.${anotherSeal}`,
    `${secret}.${seal}.${seal}`,
    `invented.${Buffer.from("invented").toString("base64url")}`,
  ]) {
    const response = await fetch(victim.url, { redirect: "manual", headers: { Cookie: `${name}=${forged}` } });
    expect([forged, response.headers.get("location")]).toEqual([forged, `${shop.web}/?error=BAD_STATE`]);
  }
  await stillWorks(victim);
});

it("the cookie is out of scripts' reach, for this host, lax and short-lived, and has no part in other sites' posts", async () => {
  const response = await fetch(shop.startOf("oidc"), { redirect: "manual" });
  const [line = "", ...more] = response.headers.getSetCookie();
  expect(more).toEqual([]);
  expect(line).toMatch(/; HttpOnly/);
  expect(line).toMatch(/; SameSite=Lax/);
  expect(line).toMatch(/; Max-Age=600\b/);
  expect(line).not.toMatch(/Domain=/i);
  expect(response.headers.get("cache-control")).toMatch(/no-store/);
});

it.each(["oidc", "kakao"] as const)(
  "an answer with the issuer of another provider is refused by %s",
  async (provider) => {
    const { browser, url } = await held(provider);
    const { naver, kakao, oidc } = shop.providers;
    const before = [naver.asked.length, kakao.asked.length, oidc.requests.length];
    const iss = provider === "oidc" ? kakao.origin : oidc.issuer;
    expect(toldTo(await browser.go(changed(url, { iss })))).toEqual({ path: "/", error: "PROVIDER_ERROR" });
    // The code was shown to nobody.
    expect([naver.asked.length, kakao.asked.length, oidc.requests.length]).toEqual(before);
  },
);

it("an answer without an issuer is refused where the provider always names itself", async () => {
  const { browser, url } = await held();
  expect(toldTo(await browser.go(changed(url, { iss: null })))).toEqual({ path: "/", error: "PROVIDER_ERROR" });
});

it("an answer at another provider's callback is refused, and its code is not sent there", async () => {
  const victim = await held("oidc");
  const elsewhere = new URL(victim.url.href.replace("/oidc/", "/kakao/"));
  expect(toldTo(await victim.browser.go(elsewhere))).toEqual(BAD_STATE);
  const code = victim.url.searchParams.get("code");
  expect(shop.providers.kakao.asked.filter(({ params }) => params.get("code") === code)).toEqual([]);
  await stillWorks(victim);
});

it.each(["state", "code", "iss"])("a %s that comes twice is refused, and the flow is not used up", async (name) => {
  const victim = await held();
  for (const other of ["another", victim.url.searchParams.get(name) ?? ""]) {
    const twice = new URL(victim.url);
    twice.searchParams.append(name, other);
    expect(toldTo(await victim.browser.go(twice))).toEqual(BAD_STATE);
  }
  await stillWorks(victim);
});

it.each(["state[]", "code[]", "state[$ne]", "code[x]", "state.x"])("a parameter %s opens nothing", async (name) => {
  const victim = await held();
  const plain = name.replace(/\W.*/, "");
  const bent = changed(victim.url, { [plain]: null, [name]: victim.url.searchParams.get(plain) });
  const page = await victim.browser.go(bent);
  expect(toldTo(page)).not.toHaveProperty("code");
  expect(page.url.origin).toBe(shop.web);
  // A missing code is the provider's mistake, by which the flow is over; without its state it is not touched.
  if (plain === "state") await stillWorks(victim);
});

it("what somebody else writes into an answer of no is not repeated", async () => {
  const { browser, url } = await held();
  const told = { code: null, error: "<script>alert(1)</script>", error_description: "https://evil.example" };
  expect(toldTo(await browser.go(changed(url, told)))).toEqual({ path: "/", error: "PROVIDER_ERROR" });
});

it("the code that one comes back with is good in the browser that came back, and in no other", async () => {
  const { browser, url } = await held();
  const code = codeOf(await browser.go(url));
  for (const other of [new Browser(), (await held()).browser]) {
    const { status, body } = await shop.exchange(other, code);
    expect([status, body.code]).toEqual([400, "BAD_TOKEN"]);
  }
  expect((await shop.exchange(browser, code)).status).toBe(200);
});

it("the code that one comes back with is good once", async () => {
  const { browser, url } = await held();
  const code = codeOf(await browser.go(url));
  const answers = await Promise.all([1, 2, 3].map(() => shop.exchange(browser, code)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400]);
  const { status, body } = await shop.exchange(browser, code);
  expect([status, body.code]).toEqual([400, "BAD_TOKEN"]);
});

it("a provider that is none of ours is not found", async () => {
  for (const provider of ["github", "nobody", "__proto__", "constructor"]) {
    const { status, body } = await shop.call("GET", `/auth/oauth/${provider}`);
    expect([provider, status, body.code]).toEqual([provider, 404, "PROVIDER_NOT_FOUND"]);
    const { status: back } = await shop.call("GET", `/auth/oauth/${provider}/callback?state=x&code=${newLogin()}`);
    expect(back).toBe(404);
  }
});
