import { nodeOf } from "../../lib/node";
import { Browser } from "../providers/browser";
import type { Fault } from "../providers/loopback";
import { pass } from "./auth.clock";
import { newLogin, node, type OauthShop, openShop, shop, startShop, stopShop, toldTo } from "./oauth.parts";

const DISCOVERY = "/.well-known/openid-configuration";
const FAILED = { path: "/login", error: "PROVIDER_ERROR" };

function person(at = shop): string {
  const login = newLogin();
  at.providers.kakao.people[login] = { nickname: "N" };
  return login;
}

const begin = async (provider: "oidc" | "kakao", at = shop) => {
  const response = await fetch(at.startOf(provider, "/login"), { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "");
};
const toldBy = (url: URL) => toldTo({ url, status: 302, headers: new Headers(), text: "" });

/** After a failure a provider is not asked again for some seconds. */
const letTryAgain = () => pass(6000);

describe("a provider whose discovery fails", () => {
  const faults: Fault[] = ["broken", "garbage", "hang", "drip"];
  let shops: Awaited<ReturnType<typeof openShop>>[];
  beforeAll(async () => {
    shops = await Promise.all(faults.map(() => openShop()));
  });
  afterAll(() => Promise.all(shops.map(({ close }) => close())));

  const eachFault = (look: (at: OauthShop, fault: Fault) => Promise<void>) =>
    Promise.all(faults.map((fault, n) => look((shops[n] as (typeof shops)[number]).shop, fault)));

  it(`is told of at once to whoever comes next, and tried again later: ${faults.join(", ")}`, async () => {
    await eachFault(async (at, fault) => {
      const { kakao } = at.providers;
      kakao.faults.set(DISCOVERY, fault);
      const told = (await Promise.all([begin("kakao", at), begin("kakao", at)])).map(toldBy);
      expect({ fault, told }).toEqual({ fault, told: [FAILED, FAILED] });
      const asked = kakao.count(DISCOVERY);
      expect({ fault, told: toldBy(await begin("kakao", at)) }).toEqual({ fault, told: FAILED });
      expect({ fault, asked: kakao.count(DISCOVERY) }).toEqual({ fault, asked });
      kakao.faults.clear();
    });
    letTryAgain();
    await eachFault(async (at) => {
      await expect(at.account("kakao", person(at))).resolves.toHaveProperty("accessToken");
    });
  });
});

describe("alone,", () => {
  beforeEach(() => startShop());
  afterEach(stopShop);

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
});

describe("at one shop,", () => {
  beforeAll(() => startShop());
  afterAll(stopShop);

  /** Where somebody is sent once the provider has been asked anew what it says of itself. */
  async function toldOf(metadata: Record<string, unknown>) {
    const { kakao } = shop.providers;
    kakao.metadata = metadata;
    letTryAgain();
    const before = kakao.count(DISCOVERY);
    const told = toldBy(await begin("kakao"));
    expect(kakao.count(DISCOVERY)).toBeGreaterThan(before);
    return told;
  }

  it("a provider that names another issuer than was asked for is not used", async () => {
    expect(await toldOf({ issuer: shop.providers.oidc.issuer })).toEqual(FAILED);
  });

  it.each([
    { authorization_endpoint: "javascript:alert(1)" },
    { token_endpoint: "file:///etc/passwd" },
    { jwks_uri: "http://169.254.169.254/latest" },
    { userinfo_endpoint: "http://shop.internal/" },
  ])("a provider that says %j of itself is not used, nor asked there", async (metadata) => {
    expect(await toldOf(metadata)).toEqual(FAILED);
  });

  // The last one, as what was discovered once goes on being used.
  it("a provider whose keys cannot be had is told of", async () => {
    const { kakao } = shop.providers;
    kakao.metadata = {};
    letTryAgain();
    kakao.faults.set("/.well-known/jwks.json", "broken");
    const page = await shop.signIn(new Browser(), "kakao", person(), shop.startOf("kakao", "/login"));
    expect(toldTo(page)).toEqual(FAILED);
  });
});
