import { Browser } from "../providers/browser";
import type { Account } from "./auth.accounts";
import { appFor } from "./auth.second-factor.parts";
import { codeOf, shop, startShop, stopShop } from "./oauth.parts";

beforeAll(() => startShop());
afterAll(stopShop);

test("a sign-in with a provider asks for the second factor as one with a password does", async () => {
  const login = await shop.person();
  const account = await shop.account("oidc", login);
  const { body: set } = await shop.call<{ secret: string }>("POST", "/auth/mfa/totp", account);
  const app = appFor(set.secret);
  const { body: confirmed } = await shop.call<{ recoveryCodes: string[] }>("POST", "/auth/mfa/totp/confirm", account, {
    code: app.now(),
  });

  const browser = new Browser();
  const code = codeOf(await shop.signIn(browser, "oidc", login));
  const half = await shop.exchange(browser, code);
  expect(half).toMatchObject({ status: 401, body: { code: "MFA_REQUIRED", mfaToken: expect.any(String) } });
  expect(half.body).not.toHaveProperty("accessToken");
  expect(await shop.exchange(browser, code)).toMatchObject({ status: 400, body: { code: "BAD_TOKEN" } });

  const show = (shown: string) =>
    shop.call<Account>("POST", "/auth/mfa", undefined, { mfaToken: half.body.mfaToken, code: shown });
  expect(await show(app.now())).toMatchObject({ status: 401, body: { code: "BAD_CODE" } });
  const whole = await show(app.at(1));
  expect(whole).toMatchObject({ status: 200, body: { user: { id: account.user.id }, recoveryCodesLeft: 10 } });

  // There is no password to ask for: a code takes it away.
  const remove = (body: object) => shop.call("DELETE", "/auth/mfa/totp", whole.body, body);
  expect(await remove({ password: "correct horse battery" })).toMatchObject({
    status: 422,
    body: { code: "VALIDATION" },
  });
  expect(await remove({ code: app.now() })).toMatchObject({ status: 422, body: { code: "BAD_CODE" } });
  expect(await remove({ code: confirmed.recoveryCodes[0] ?? "" })).toMatchObject({ status: 204 });
  expect((await shop.account("oidc", login)).user.id).toBe(account.user.id);
});
