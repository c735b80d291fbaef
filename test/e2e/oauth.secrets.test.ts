import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ShopNode } from "../../lib/infra/nodes";
import { codeOf, newLogin, OauthShop, startProviders, toldTo } from "../integration/oauth.parts";
import { Browser } from "../providers/browser";
import { newPlace, type Place } from "./node";

const KEPT_LINES = 2000;

let place: Place;
let node: ShopNode;
let shop: OauthShop;

beforeEach(async () => {
  place = await newPlace();
  const web = `http://localhost:${place.ports.http}`;
  shop = new OauthShop(web, await startProviders(web));
  node = await place.start({ ...shop.providers.environment, LOG_LEVEL: "debug" });
}, 60_000);
afterEach(async () => {
  await node.kill();
  await shop.providers.close();
  place.remove();
});

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

it("leaves no secret in an address, a file or the log, whether signing in works or not", async () => {
  const { oidc, kakao, naver, secret } = shop.providers;
  const browser = new Browser();
  const codes: string[] = [];
  const tokens: string[] = [];
  for (const provider of ["oidc", "kakao", "naver"] as const) {
    const login = await shop.person({ email: `${newLogin()}@example.org`, email_verified: true });
    kakao.people[login] = { nickname: "N", email: `${newLogin()}@example.org`, email_verified: true };
    naver.people[login] = { name: "N" };
    const page = await shop.signIn(browser, provider, login);
    codes.push(codeOf(page));
    const { body } = await shop.exchange(browser, codeOf(page));
    tokens.push(body.accessToken, body.refreshToken);
    const own = await shop.register();
    const another = await shop.person();
    kakao.people[another] = { nickname: "N" };
    naver.people[another] = { name: "N" };
    const linked = new Browser();
    await shop.link(own, provider, another, linked);
    browser.visited.push(...linked.visited);
    tokens.push(own.accessToken, own.refreshToken);
  }
  // What goes wrong is told of in the log: of each of these at least what failed.
  const failing: (() => void)[] = [
    () => kakao.faults.set("/oauth/token", "garbage"),
    () => kakao.faults.set("/v1/oidc/userinfo", "broken"),
    () => {
      kakao.idToken = kakao.signWithForeignKey;
    },
    () => {
      kakao.idToken = (claims) => kakao.sign({ ...claims, nonce: "another" });
    },
  ];
  for (const fail of failing) {
    fail();
    const login = newLogin();
    kakao.people[login] = { nickname: "N" };
    const failed = await shop.signIn(browser, "kakao", login);
    expect(toldTo(failed)).toHaveProperty("error", "PROVIDER_ERROR");
    kakao.faults.clear();
    kakao.idToken = (claims) => kakao.sign(claims);
  }
  // Kakao's refusal quotes the code that it does not know.
  const login = newLogin();
  kakao.people[login] = { nickname: "N" };
  const { url } = await shop.upToCallback(browser, "kakao", login);
  url.searchParams.set("code", "a-code-that-is-not-known-to-kakao");
  expect(toldTo(await browser.go(url))).toHaveProperty("error", "PROVIDER_ERROR");
  const nobody = await shop.exchange(new Browser(), codes[0] ?? "");
  expect(nobody.status).toBe(400);
  const state = (url: string) => new URL(url).searchParams.get("state") ?? "";
  const states = [...new Set(browser.visited.map(state).filter(Boolean))];
  const cookies = (await browser.cookies(shop.web)).split(/[=.;]/).filter((part) => part.length > 20);
  const providersCodes = browser.visited.map((url) => new URL(url).searchParams.get("code") ?? "").filter(Boolean);
  await node.stop();

  const secrets = [...oidc.secrets, ...kakao.secrets, ...naver.secrets, secret, ...tokens, ...cookies];
  expect(secrets.length).toBeGreaterThan(30);
  const found = (text: string, what: string[]) => what.filter((one) => text.includes(one));
  expect(found(browser.visited.join("\n"), secrets)).toEqual([]);
  const hidden = [...secrets, ...codes, ...states, ...providersCodes];
  const log = node.output();
  expect(log.split("\n").length).toBeLessThan(KEPT_LINES);
  expect(log.match(/signing in with a provider failed/g)).toHaveLength(failing.length + 1);
  expect(found(log, hidden)).toEqual([]);
  const files = filesOf(place.dataDir);
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => found(readFileSync(file, "utf8"), hidden).length > 0)).toEqual([]);
}, 60_000);
