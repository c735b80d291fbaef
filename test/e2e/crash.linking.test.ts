import type { ShopNode } from "../../lib/infra/nodes";
import { newEmail } from "../integration/auth.accounts";
import { eventually } from "../integration/node";
import { OauthShop, startProviders } from "../integration/oauth.parts";
import { Browser } from "../providers/browser";
import { newPlace, type Place } from "./node";
import { mailsIn } from "./recovering";

let place: Place;
let node: ShopNode;
let shop: OauthShop;

beforeEach(async () => {
  place = await newPlace();
  const web = `http://localhost:${place.ports.http}`;
  shop = new OauthShop(web, await startProviders(web));
});
afterEach(async () => {
  await node.kill();
  await shop.providers.close();
  place.remove();
});

const start = async (environment: Record<string, string> = {}): Promise<void> => {
  node = await place.start({ LEASE_MS: "400", ...shop.providers.environment, ...environment });
};

it("killed once a provider is linked, the shop tells the owner of it, once", async () => {
  await start({ CRASH_AT: "auth.linked" });
  const email = newEmail();
  const own = await shop.register(email);
  const browser = new Browser();
  const login = await shop.person();
  const { url } = await shop.upToCallback(browser, "oidc", login, await shop.linkUrl(own, "oidc", browser));
  await expect(browser.go(url)).rejects.toThrow();
  expect(await node.exited).toMatchObject({ signal: "SIGKILL" });
  expect(mailsIn(place.dataDir, email)).toEqual([]);
  await start();

  const [mail] = await eventually(() => mailsIn(place.dataDir, email).length > 0 && mailsIn(place.dataDir, email));
  expect(mail?.text).toContain("OpenID Connect");
  expect((await shop.account("oidc", login)).user.id).toBe(own.user.id);
  expect(await shop.links(own)).toEqual(["oidc"]);
  expect(mailsIn(place.dataDir, email)).toHaveLength(1);
}, 60_000);
