import { performance } from "node:perf_hooks";
import { AT_ONCE } from "../../services/auth/oauth/questions";
import { Browser } from "../providers/browser";
import { type Fault, HUGE_BYTES, type LoopbackProvider } from "../providers/loopback";
import { PASSWORD } from "./auth.accounts";
import { eventually } from "./node";
import { newLogin, type ProviderName, shop, startShop, stopShop, toldTo } from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);

const FAILED = { path: "/login", error: "PROVIDER_ERROR" };
/** A provider's time, and as much again as a busy machine may take to say that it is over. */
const LIMIT_MS = 10_000 + 3000;

function person(): string {
  const login = newLogin();
  shop.providers.kakao.people[login] = { nickname: "N" };
  shop.providers.naver.people[login] = { name: "N" };
  return login;
}

async function held(provider: ProviderName, login = person()) {
  const browser = new Browser();
  const { url } = await shop.upToCallback(browser, provider, login, shop.startOf(provider, "/login"));
  return { back: () => browser.go(url) };
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const started = performance.now();
  return { result: await work, ms: performance.now() - started };
}

/** What does not concern providers goes on as always until `over` resolves; answers how often it was tried. */
async function othersWork(over: Promise<unknown>): Promise<number> {
  const { email } = (await shop.register()).user;
  let running = true;
  void over.finally(() => {
    running = false;
  });
  let tries = 0;
  for (; running; tries++) {
    const { result, ms } = await timed(
      Promise.all([
        shop.call("POST", "/auth/login", undefined, { email, password: PASSWORD }),
        shop.call("GET", "/products"),
      ]),
    );
    expect(result.map(({ status }) => status)).toEqual([200, 200]);
    expect(ms).toBeLessThan(3000);
  }
  return tries;
}

it("says so within the time where a provider hangs or drips at any step, while all else works as always", async () => {
  const { oidc, kakao, naver } = shop.providers;
  const stalls: [ProviderName, LoopbackProvider | undefined, string, Fault][] = [
    ["kakao", kakao, "/oauth/token", "hang"],
    ["kakao", kakao, "/oauth/token", "drip"],
    ["kakao", kakao, "/v1/oidc/userinfo", "drip"],
    ["naver", naver, "/oauth2.0/token", "drip"],
    ["naver", naver, "/v1/nid/me", "hang"],
    ["kakao", kakao, "/oauth/token", "slow"],
  ];
  const paused = await held("oidc", await shop.person());
  oidc.pause();
  const ends = [timed(paused.back())];
  for (const [provider, server, path, fault] of stalls) {
    const { back } = await held(provider);
    const before = server?.count(path);
    server?.faults.set(path, fault);
    ends.push(timed(back()));
    await server?.whenAskedAgain(path, before ?? 0);
    server?.faults.clear();
  }
  // It is the whole that has ten seconds: this one takes seven for its tokens, and then hangs.
  kakao.faults.set("/v1/oidc/userinfo", "hang");
  const all = Promise.all(ends);
  const tries = await othersWork(all);
  for (const { result, ms } of await all) {
    expect(toldTo(result)).toEqual(FAILED);
    expect(ms).toBeLessThan(LIMIT_MS);
  }
  expect(tries).toBeGreaterThan(3);
  oidc.resume();
  kakao.faults.clear();
  await expect(shop.account("oidc", await shop.person())).resolves.toHaveProperty("accessToken");
}, 40_000);

it("turns people away at once where too many wait for a provider, and lets in those of others", async () => {
  const { kakao } = shop.providers;
  const people = await Promise.all(Array.from({ length: AT_ONCE }, () => held("kakao")));
  const late = await held("kakao");
  kakao.faults.set("/oauth/token", "hang");
  const before = kakao.count("/oauth/token");
  let ended = 0;
  const waiting = people.map(({ back }) => back().finally(() => ended++));
  await eventually(() => kakao.count("/oauth/token") === before + AT_ONCE);
  expect(toldTo(await late.back())).toEqual(FAILED);
  await expect(shop.account("naver", person())).resolves.toHaveProperty("accessToken");
  expect(ended).toBe(0);
  kakao.faults.clear();
  kakao.hangUp();
  for (const result of await Promise.all(waiting)) expect(toldTo(result)).toEqual(FAILED);
  await expect(shop.account("kakao", person())).resolves.toHaveProperty("accessToken");
});

const faults: Fault[] = ["broken", "garbage", "huge", "reset"];
const steps: [ProviderName, string][] = [
  ["kakao", "/oauth/token"],
  ["kakao", "/v1/oidc/userinfo"],
  ["naver", "/oauth2.0/token"],
  ["naver", "/v1/nid/me"],
];
const failures = steps.flatMap(([provider, path]) => faults.map((fault) => [provider, path, fault] as const));
it.each(failures)("says so where %s's %s is %s, and works once that is over", async (provider, path, fault) => {
  const server = shop.providers[provider as "kakao" | "naver"];
  const login = person();
  const { back } = await held(provider, login);
  server.faults.set(path, fault);
  const page = await back().finally(() => server.faults.clear());
  expect(toldTo(page)).toEqual(FAILED);
  await expect(shop.account(provider, login)).resolves.toHaveProperty("accessToken");
});

it("reads no answer to an end that does not come", async () => {
  const { kakao } = shop.providers;
  const { back } = await held("kakao");
  kakao.faults.set("/oauth/token", "huge");
  expect(toldTo(await back().finally(() => kakao.faults.clear()))).toEqual(FAILED);
  // What networks hold comes to some megabytes.
  expect(await kakao.hugeSent).toBeLessThan(HUGE_BYTES / 4);
});

it("says so where a provider dies, before and after somebody went there, and works once it is back", async () => {
  const { oidc } = shop.providers;
  const login = await shop.person();
  const { back } = await held("oidc", login);
  await oidc.kill();
  const { result, ms } = await timed(back());
  expect(toldTo(result)).toEqual(FAILED);
  expect(ms).toBeLessThan(LIMIT_MS);
  await oidc.start();
  await expect(shop.account("oidc", login)).resolves.toHaveProperty("accessToken");
});
