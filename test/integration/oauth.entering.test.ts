import { nodeOf } from "../../lib/node";
import userService from "../../services/user/user.service";
import { Browser } from "../providers/browser";
import { newEmail, PASSWORD } from "./auth.accounts";
import { pass } from "./auth.clock";
import { withAuthStore } from "./auth.parts";
import { Person, STEP_MS } from "./auth.second-factor.parts";
import { eventually } from "./node";
import { codeOf, node, shop, startShop, stopShop, toldTo } from "./oauth.parts";

const abandoned = { email: newEmail(), hash: "of somebody's password", name: "Mallory" };
let abandonedId: string;

beforeAll(async () => {
  const dataDir = await withAuthStore(async ({ credentials }) => {
    const claimed = await credentials.claim(abandoned);
    await credentials.release(claimed);
    abandonedId = claimed._id;
  });
  await startShop({ DATA_DIR: dataDir, LEASE_MS: "400" });
});
afterAll(stopShop);

const signIn = async (login: string) => toldTo(await shop.signIn(new Browser(), "oidc", login));
const login = (email: string, password = PASSWORD) => shop.call("POST", "/auth/login", undefined, { email, password });

/** While `work` runs nobody can be asked for users. */
async function withoutUsers<T>(work: () => Promise<T>): Promise<T> {
  const service = node.broker.getLocalService("user");
  await node.broker.destroyService(service);
  try {
    return await work();
  } finally {
    node.broker.createService(userService(node.broker));
    await node.broker.waitForServices("user");
    await eventually(() => node.call("user.list", { limit: 1 }).catch(() => undefined));
  }
}

it("makes no account while none are made, and lets in who has one", async () => {
  const known = await shop.person();
  await shop.account("oidc", known);
  const { config } = nodeOf(node.broker);
  config.update({ version: 1, etag: "1", values: { auth: { "auth.registering": false } } });
  const closed = await signIn(await shop.person());
  const open = await signIn(known);
  config.update({ version: 2, etag: "2", values: {} });
  expect(closed).toEqual({ path: "/", error: "REGISTRATION_CLOSED" });
  expect(open).toEqual({ path: "/", code: expect.any(String) });
});

it("asks for the second factor that an account has", async () => {
  const subject = await shop.person();
  const account = await shop.account("oidc", subject);
  const { app } = await new Person(node, account).enrol();
  pass(STEP_MS);
  const browser = new Browser();
  const code = codeOf(await shop.signIn(browser, "oidc", subject));
  const { status, body } = await shop.exchange(browser, code);
  expect([status, body.code]).toEqual([401, "MFA_REQUIRED"]);
  expect((await shop.exchange(browser, code)).body.code).toBe("BAD_TOKEN");
  const second = { mfaToken: body.mfaToken, code: app.now() };
  const done = await shop.call("POST", "/auth/mfa", undefined, second);
  expect(done).toMatchObject({ status: 200, body: { user: { id: account.user.id } } });
});

it("says so where the account cannot be made at the moment, and makes it later, by itself", async () => {
  const email = newEmail();
  const subject = await shop.person({ email, email_verified: true, name: "Kim" });
  expect(await withoutUsers(() => signIn(subject))).toEqual({ path: "/", error: "SERVICE_UNAVAILABLE" });
  const { items } = await eventually(async () => {
    const found = await node.call("user.list", { email, limit: 1 });
    return found.items.length > 0 && found;
  });
  const account = await shop.account("oidc", subject);
  expect(account.user).toEqual(items[0]);
  expect(account.user).toMatchObject({ email, emailVerified: true, name: "Kim" });
});

it("leaves nothing to whoever began to register an address that is not theirs", async () => {
  const email = newEmail();
  const registering = { email, password: PASSWORD, name: "Mallory" };
  const registered = await withoutUsers(() => shop.call("POST", "/auth/register", undefined, registering));
  expect(registered.status).toBe(503);
  const { user } = await shop.account("oidc", await shop.person({ email, email_verified: true, name: "Kim" }));
  expect(user).toMatchObject({ email, emailVerified: true, name: "Kim" });
  expect((await login(email)).status).toBe(401);
  expect((await shop.call("POST", "/auth/register", undefined, registering)).body.code).toBe("EMAIL_TAKEN");
});

it("verifies an address that a registration got as far as to give to a user", async () => {
  const { email, name } = abandoned;
  expect(await node.call("user.create", { id: abandonedId, email, name })).toMatchObject({ emailVerified: false });
  const { user } = await shop.account("oidc", await shop.person({ email, email_verified: true }));
  expect(user).toMatchObject({ id: abandonedId, email, emailVerified: true });
});

it("counts who came back, by provider and outcome", async () => {
  const metrics = async () => nodeOf(node.broker).metrics.registry.metrics();
  const count = async (outcome: string) => {
    const line = new RegExp(`^shop_provider_sign_ins_total\\{provider="oidc",outcome="${outcome}"\\} (\\d+)$`, "m");
    return Number(line.exec(await metrics())?.[1] ?? 0);
  };
  const [ok, bad] = [await count("ok"), await count("BAD_STATE")];
  await shop.account("oidc", await shop.person());
  await fetch(shop.api("/auth/oauth/oidc/callback?state=x&code=y"), { redirect: "manual" });
  expect([await count("ok"), await count("BAD_STATE")]).toEqual([ok + 1, bad + 1]);
});
