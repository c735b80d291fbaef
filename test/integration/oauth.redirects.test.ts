import { Browser } from "../providers/browser";
import { codeOf, shop, startShop, stopShop } from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);

const evil = [
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "https:evil.example",
  "https://evil.example",
  "http:/evil.example",
  "/\t/evil.example",
  "/\n/evil.example",
  "\t//evil.example",
  " //evil.example",
  "/\r\n/evil.example",
  "/.//evil.example",
  "/..//evil.example",
  "/x/..//evil.example",
  "javascript:alert(1)",
  "data:text/html,x",
  "@evil.example",
  ":80@evil.example",
  ".evil.example",
  "user:pass@evil.example",
  "evil.example",
  "",
];
it.each(evil)("a sign-in that would end at %j is refused before it begins", async (redirect) => {
  const response = await fetch(shop.startOf("oidc", redirect), { redirect: "manual" });
  expect(response.status).toBe(422);
  expect(response.headers.get("location")).toBeNull();
  const { status } = await shop.call("POST", "/auth/links/oidc", await shop.register(), { redirect });
  expect(status).toBe(422);
});

it.each(["/%5cevil.example", "/%2f/evil.example"])("a raw %s in the address leads nowhere else", async (raw) => {
  const response = await fetch(`${shop.api("/auth/oauth/oidc")}?redirect=${raw}`, { redirect: "manual" });
  expect(response.status).toBe(422);
});

it.each(["/%5cevil.example", "/%09/evil.example", "/%2f%2fevil.example", "/a?next=//evil.example", "/@evil.example"])(
  "a path such as %s is one of our own pages",
  async (redirect) => {
    const browser = new Browser();
    const page = await shop.signIn(browser, "oidc", await shop.person(), shop.startOf("oidc", redirect));
    expect(page.url.origin).toBe(shop.web);
    expect(codeOf(page)).not.toBe("");
  },
);

it("what a page is told cannot be put into the address that one comes back to", async () => {
  const browser = new Browser();
  const from = shop.startOf("oidc", "/x?code=planted&error=planted&linked=planted");
  const page = await shop.signIn(browser, "oidc", await shop.person(), from);
  expect(page.url.search).not.toContain("planted");
});
