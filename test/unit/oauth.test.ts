import { readEnvironment } from "../../lib/environment";
import { ShopError } from "../../lib/errors";
import { BrowserCookies } from "../../services/auth/oauth/cookie";
import { causeOf } from "../../services/auth/oauth/failure";
import { fitName, provenEmail } from "../../services/auth/oauth/person";
import { toProfile as toNaverProfile } from "../../services/auth/oauth/providers/naver";
import { toProfile } from "../../services/auth/oauth/providers/openid";
import { pageUrl, requirePath } from "../../services/auth/oauth/redirect";

const WEB = "https://shop.example";

describe("where one comes back to", () => {
  test.each([
    [undefined, "/"],
    ["/", "/"],
    ["/orders", "/orders"],
    ["/orders?tab=1&next=//x#top", "/orders?tab=1&next=//x#top"],
    ["/a/../b", "/b"],
    ["/%2f%2fevil.example", "/%2f%2fevil.example"],
    ["/주문", "/%EC%A3%BC%EB%AC%B8"],
  ])("%j is a page of ours", (given, path) => {
    expect(requirePath(given, WEB)).toBe(path);
  });

  test.each([
    "",
    "orders",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/a\\b",
    "https:evil.example",
    "https://shop.example/orders",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/\n/evil.example",
    "/orders\u0000",
    "/\u0085/evil.example",
    "/a//b",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e%2e//evil.example",
  ])("%j is refused", (given) => {
    const check = () => requirePath(given, WEB);
    expect(check).toThrow(ShopError);
    expect(check).toThrow(
      expect.objectContaining({ code: 422, data: { errors: [expect.objectContaining({ path: "redirect" })] } }),
    );
  });

  test("is no longer than an address may be", () => {
    expect(() => requirePath(`/${"a".repeat(1024)}`, WEB)).toThrow(ShopError);
  });

  test("is told what became of it, beside what it had, and nothing that somebody put there before", () => {
    const page = (told: object) => pageUrl(WEB, "/orders?tab=1&error=X&linked=y&code=z#top", told);
    expect(page({ code: "c" })).toBe("https://shop.example/orders?tab=1&code=c#top");
    expect(page({ error: "BAD_STATE" })).toBe("https://shop.example/orders?tab=1&error=BAD_STATE#top");
    expect(pageUrl("http://localhost:3000", "/", { linked: "kakao" })).toBe("http://localhost:3000/?linked=kakao");
  });
});

describe("the browser's cookie", () => {
  const cookies = new BrowserCookies("a secret of this test", WEB);
  const pairOf = (header: string) => header.split(";")[0] ?? "";

  test("brings the same browser back", () => {
    const browser = cookies.fresh();
    expect(cookies.read(`a=b; ${pairOf(cookies.header(browser))}; c=d`)).toEqual(browser);
  });

  test("is for this host alone over TLS, and out of scripts' reach", () => {
    expect(cookies.header(cookies.fresh())).toMatch(
      /^__Host-sign-in=[\w-]{43}\.[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
    const plain = new BrowserCookies("a secret of this test", "http://localhost:3000");
    expect(plain.header(plain.fresh())).toMatch(/^sign-in=.*SameSite=Lax$/);
  });

  test("counts with its own seal only", () => {
    const pair = pairOf(cookies.header(cookies.fresh()));
    const [name, value = ""] = pair.split("=");
    const [secret, seal = ""] = value.split(".");
    const others = new BrowserCookies("another secret", WEB);
    for (const header of [
      undefined,
      "",
      `${name}=`,
      `${name}=${secret}`,
      `${name}=${secret}.`,
      `${name}=.${seal}`,
      `${name}=${secret}x.${seal}`,
      `${name}=${secret}.${seal.slice(0, -1)}`,
      `${name}=${secret}.${seal}.x`,
      `x${pair}`,
      pairOf(others.header(others.fresh())),
    ])
      expect(cookies.read(header)).toBeUndefined();
  });
});

describe("what a provider says of somebody", () => {
  test("is taken from the standard claims", () => {
    expect(toProfile("1", { email: "a@b.example", email_verified: true, name: "Kim", nickname: "k" })).toEqual({
      subject: "1",
      email: "a@b.example",
      emailVerified: true,
      name: "Kim",
    });
    expect(toProfile("1", { nickname: "k" })).toEqual({ subject: "1", emailVerified: false, name: "k" });
  });

  test.each([undefined, false, "true", 1, null])("an address is not verified by %j", (email_verified) => {
    expect(provenEmail(toProfile("1", { email: "a@b.example", email_verified }))).toBeUndefined();
  });

  test("is Naver's answer, whose address nobody vouches for", () => {
    const response = { id: "n1", email: "a@naver.com", name: "이몽룡", nickname: "몽룡" };
    expect(toNaverProfile({ resultcode: "00", message: "success", response })).toEqual({
      subject: "n1",
      email: "a@naver.com",
      emailVerified: false,
      name: "이몽룡",
    });
    expect(toNaverProfile({ resultcode: "00", response: { id: "n1", nickname: "몽룡" } }).name).toBe("몽룡");
  });

  test.each([
    [null],
    ["text"],
    [{}],
    [{ resultcode: "024", message: "Authentication failed" }],
    [{ resultcode: "00" }],
    [{ resultcode: "00", response: null }],
    [{ resultcode: "00", response: { id: "" } }],
    [{ resultcode: "00", response: { id: 7 } }],
  ])("is refused where Naver answers %j", (answer) => {
    expect(() => toNaverProfile(answer)).toThrow(expect.objectContaining({ name: "ProviderFailure" }));
  });

  test("is made a name that can be shown", () => {
    expect(fitName("  홍길동 ")).toBe("홍길동");
    expect(fitName("a\u0000\n\u202Eb\u2028c")).toBe("a b c");
    expect(fitName("😀".repeat(200))).toBe("😀".repeat(100));
    expect(fitName(`${"x".repeat(99)} y`)).toBe("x".repeat(99));
    for (const nothing of [undefined, "", " \n", "\u0007"]) expect(fitName(nothing)).toBe("Customer");
    expect(fitName("\uD800")).toBe("\uFFFD");
  });

  test("is an address in lower case, or none that cannot be one", () => {
    const address = (email: string) => provenEmail({ subject: "1", email, emailVerified: true });
    expect(address(" Kim@B.Example ")).toBe("kim@b.example");
    for (const bad of ["", "kim", "kim@b@c.example", "a b@c.example", `${"a".repeat(250)}@b.example`])
      expect(address(bad)).toBeUndefined();
  });

  test("has no address that only lower case makes one of ours", () => {
    for (const foreign of ["\u212Aim@b.example", "kim@boo\u212A.example"])
      expect(provenEmail({ subject: "1", email: foreign, emailVerified: true })).toBeUndefined();
  });
});

test("a failure's cause quotes nothing that a provider answered", () => {
  const parsed = new SyntaxError('Unexpected token, "secret-answer" is not valid JSON');
  const network = Object.assign(new TypeError("fetch failed for http://x/?code=secret-answer"), { code: "ECONNRESET" });
  expect(causeOf(new Error("secret-answer", { cause: parsed }))).toBe("Error < SyntaxError");
  expect(causeOf(network)).toBe("ECONNRESET");
  expect(causeOf("secret-answer")).toBe("unknown");
});

describe("the environment", () => {
  const oauth = (source: Record<string, string>) => readEnvironment({ DATA_DIR: "/tmp/none", ...source }).oauth;
  const client = (name: string) => ({ [`OAUTH_${name}_CLIENT_ID`]: "id", [`OAUTH_${name}_CLIENT_SECRET`]: "secret" });

  test("offers providers that have a client", () => {
    const { clients } = oauth({ ...client("KAKAO"), ...client("GOOGLE") });
    expect(clients).toEqual({ kakao: expect.anything(), google: { clientId: "id", clientSecret: "secret" } });
  });

  test("keeps an issuer as it is given, slash and all", () => {
    const issuer = "https://login.example/o/shop/";
    expect(oauth({ ...client("OIDC"), OAUTH_OIDC_ISSUER: issuer }).oidcIssuer).toBe(issuer);
  });

  test.each([
    [{ OAUTH_KAKAO_CLIENT_ID: "id" }, "OAUTH_KAKAO_CLIENT_SECRET is not set"],
    [{ OAUTH_NAVER_CLIENT_SECRET: "secret" }, "OAUTH_NAVER_CLIENT_ID is not set"],
    [client("OIDC"), "OAUTH_OIDC_ISSUER is not set"],
    [{ OAUTH_OIDC_ISSUER: "https://login.example" }, "OAUTH_OIDC_CLIENT_ID is not set"],
    [{ ...client("OIDC"), OAUTH_OIDC_ISSUER: "http://login.example" }, "OAUTH_OIDC_ISSUER may be http:// on this"],
    [{ ...client("OIDC"), OAUTH_OIDC_ISSUER: "login.example" }, "OAUTH_OIDC_ISSUER must start with http"],
    [{ ...client("OIDC"), OAUTH_OIDC_ISSUER: "http://localhost.evil.example" }, "OAUTH_OIDC_ISSUER may be http"],
    [{ OAUTH_NAVER_API_URL: "http://10.0.0.1" }, "OAUTH_NAVER_API_URL may be http:// on this"],
  ])("refuses %j", (source, problem) => {
    expect(() => oauth(source)).toThrow(problem);
  });

  test.each(["http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000", "https://login.example"])(
    "takes the issuer %s",
    (issuer) => {
      expect(oauth({ ...client("OIDC"), OAUTH_OIDC_ISSUER: issuer }).oidcIssuer).toBe(issuer);
    },
  );
});
