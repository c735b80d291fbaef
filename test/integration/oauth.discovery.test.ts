import { nodeOf } from "../../lib/node";
import { Browser } from "../providers/browser";
import type { Fault } from "../providers/loopback";
import { pass } from "./auth.clock";
import { newLogin, node, shop, startShop, stopShop, toldTo } from "./oauth.parts";

const DISCOVERY = "/.well-known/openid-configuration";
const FAILED = { path: "/login", error: "PROVIDER_ERROR" };

beforeEach(() => startShop());
afterEach(stopShop);

function person(): string {
  const login = newLogin();
  shop.providers.kakao.people[login] = { nickname: "N" };
  return login;
}

const begin = async (provider: "oidc" | "kakao") => {
  const response = await fetch(shop.startOf(provider, "/login"), { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "");
};
const toldBy = (url: URL) => toldTo({ url, status: 302, headers: new Headers(), text: "" });

it.each(["broken", "garbage", "hang", "drip"] as Fault[])(
  "a provider whose discovery is %s is told of at once to whoever comes next, and tried again later",
  async (fault) => {
    const { kakao } = shop.providers;
    kakao.faults.set(DISCOVERY, fault);
    expect((await Promise.all([begin("kakao"), begin("kakao")])).map(toldBy)).toEqual([FAILED, FAILED]);
    const asked = kakao.count(DISCOVERY);
    expect(toldBy(await begin("kakao"))).toEqual(FAILED);
    expect(kakao.count(DISCOVERY)).toBe(asked);
    kakao.faults.clear();
    pass(6000);
    await expect(shop.account("kakao", person())).resolves.toHaveProperty("accessToken");
  },
);

it("a provider that is not there is told of, and the others are not affected", async () => {
  await shop.providers.oidc.kill();
  expect(toldBy(await begin("oidc"))).toEqual(FAILED);
  const metrics = await nodeOf(node.broker).metrics.registry.metrics();
  expect(metrics).toContain('shop_provider_sign_ins_total{provider="oidc",outcome="PROVIDER_ERROR"} 1\n');
  await expect(shop.account("kakao", person())).resolves.toHaveProperty("accessToken");
  const own = await shop.register();
  const { status, body } = await shop.call("POST", "/auth/links/oidc", own, {});
  expect([status, body.code]).toEqual([503, "PROVIDER_ERROR"]);
});

it("what was discovered goes on being used while discovery fails", async () => {
  const { kakao } = shop.providers;
  const login = person();
  const { user } = await shop.account("kakao", login);
  kakao.faults.set(DISCOVERY, "broken");
  pass(3_601_000);
  expect((await shop.account("kakao", login, new Browser())).user.id).toBe(user.id);
  expect(kakao.count(DISCOVERY)).toBeGreaterThan(1);
});

it("a provider that names another issuer than was asked for is not used", async () => {
  const { kakao } = shop.providers;
  kakao.metadata = { issuer: shop.providers.oidc.issuer };
  expect(toldBy(await begin("kakao"))).toEqual(FAILED);
});

it.each([
  { authorization_endpoint: "javascript:alert(1)" },
  { token_endpoint: "file:///etc/passwd" },
  { jwks_uri: "http://169.254.169.254/latest" },
  { userinfo_endpoint: "http://shop.internal/" },
])("a provider that says %j of itself is not used, nor asked there", async (metadata) => {
  shop.providers.kakao.metadata = metadata;
  expect(toldBy(await begin("kakao"))).toEqual(FAILED);
});

it("a provider whose keys cannot be had is told of", async () => {
  const { kakao } = shop.providers;
  kakao.faults.set("/.well-known/jwks.json", "broken");
  const page = await shop.signIn(new Browser(), "kakao", person(), shop.startOf("kakao", "/login"));
  expect(toldTo(page)).toEqual(FAILED);
});
