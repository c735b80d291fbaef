import type { ShopNode } from "../../lib/infra/nodes";
import { newEmail } from "../integration/auth.accounts";
import { mailsIn } from "../integration/mail.parts";
import { eventually } from "../integration/node";
import { newLogin, OauthShop, startProviders, toldTo } from "../integration/oauth.parts";
import { Browser } from "../providers/browser";
import { newPlace, type Place, placeWithAccounts } from "./node";

const QUICK = { LEASE_MS: "400" };
/** Longer than the test: nobody but whoever signs in again finishes what was begun. */
const LATE = { LEASE_MS: "60000" };

/** The demo accounts come by some of these steps as well: they are there before. */
let withAccounts: Place;
let place: Place;
let node: ShopNode;
let shop: OauthShop;

beforeAll(async () => {
  withAccounts = await placeWithAccounts();
}, 60_000);
afterAll(() => withAccounts.remove());
beforeEach(async () => {
  place = await newPlace({ from: withAccounts });
  const web = `http://localhost:${place.ports.http}`;
  shop = new OauthShop(web, await startProviders(web));
});
afterEach(async () => {
  await node.kill();
  await shop.providers.close();
  place.remove();
});

const start = async (env: Record<string, string>): Promise<void> => {
  node = await place.start({ ...shop.providers.environment, ...env });
};

interface Named {
  id: string;
  name: string;
}

async function accountsNamed(name: string): Promise<string[]> {
  const token = (await place.shop.admin()).accessToken;
  const { body } = await place.shop.call<{ items: Named[] }>("GET", "/users?limit=100", { token });
  return body.items.filter((user) => user.name === name).map(({ id }) => id);
}

/** A first sign-in that the shop dies of. */
async function dieOf(login: string, browser: Browser): Promise<URL> {
  const { url } = await shop.upToCallback(browser, "oidc", login);
  await expect(browser.go(url)).rejects.toThrow();
  expect(await node.exited).toMatchObject({ signal: "SIGKILL" });
  return url;
}

it.each(["auth.claimed", "auth.user-created"])(
  "one account comes of a first sign-in that is killed at %s, and of the next one",
  async (point) => {
    await start({ ...LATE, CRASH_AT: point });
    const name = newLogin();
    const email = `${name}@example.org`;
    const login = await shop.person({ email, email_verified: true, name });
    const browser = new Browser();
    const url = await dieOf(login, browser);
    await start(LATE);

    // The state is used up; whoever is on no page signs in again.
    expect(toldTo(await browser.go(url))).toEqual({ path: "/", error: "BAD_STATE" });
    const account = await shop.account("oidc", login, browser);
    expect(account.user).toMatchObject({ email, emailVerified: true, name });
    expect((await shop.account("oidc", login)).user).toEqual(account.user);
    expect(await accountsNamed(name)).toEqual([account.user.id]);
    expect(await shop.links(account)).toEqual(["oidc"]);
  },
  60_000,
);

it("the shop finishes an account itself where nobody comes back to a first sign-in that was killed", async () => {
  await start({ ...QUICK, CRASH_AT: "auth.claimed" });
  const name = newLogin();
  await dieOf(await shop.person({ name }), new Browser());
  await start(QUICK);
  await eventually(async () => (await accountsNamed(name)).length === 1);
}, 60_000);

it("killed once a provider is linked, the shop tells the owner of it, once", async () => {
  await start({ ...QUICK, CRASH_AT: "auth.linked" });
  const email = newEmail();
  const own = await shop.register(email);
  const browser = new Browser();
  const login = await shop.person();
  const { url } = await shop.upToCallback(browser, "oidc", login, await shop.linkUrl(own, "oidc", browser));
  await expect(browser.go(url)).rejects.toThrow();
  expect(await node.exited).toMatchObject({ signal: "SIGKILL" });
  expect(mailsIn(place.dataDir, email)).toEqual([]);
  await start(QUICK);

  const [mail] = await eventually(() => mailsIn(place.dataDir, email).length > 0 && mailsIn(place.dataDir, email));
  expect(mail?.text).toContain("OpenID Connect");
  expect((await shop.account("oidc", login)).user.id).toBe(own.user.id);
  expect(await shop.links(own)).toEqual(["oidc"]);
  expect(mailsIn(place.dataDir, email)).toHaveLength(1);
}, 60_000);
