import type { ReadMail } from "../integration/mail.parts";
import { eventually } from "../integration/node";
import { expectStatus, PASSWORD, type Shop } from "./shop";

/** Headers that no two answers share. */
const PER_REQUEST = ["x-request-id", "date", "traceparent"];
export const NEW_PASSWORD = "violet tractor lampshade";

/** The token of the newest link to this page. */
export const tokenIn = (mails: ReadMail[], page: string): string | undefined =>
  mails
    .flatMap(({ links }) => links.map((link) => new URL(link)))
    .findLast(({ pathname }) => pathname === page)
    ?.searchParams.get("token") ?? undefined;

/** The same, once it is there. */
export const tokenFor = (mails: () => ReadMail[], page: string): Promise<string> =>
  eventually(() => tokenIn(mails(), page));

/** An address is proven and a password recovered, by nothing but HTTP and mails. */
export function recovering(shopOf: () => Shop, mailsOf: (address: string) => ReadMail[]): void {
  it("proves an address by a mailed link", async () => {
    const shop = shopOf();
    const { accessToken: token, user } = await shop.register();
    const isVerified = async () =>
      (await shop.call<{ emailVerified: boolean }>("GET", "/users/me", { token })).body.emailVerified;
    expect(await isVerified()).toBe(false);
    expectStatus(await shop.call("POST", "/auth/email/verification"), 401);
    expect(await shop.call("POST", "/auth/email/verification", { token })).toMatchObject({ status: 202, body: null });
    const proof = { token: await tokenFor(() => mailsOf(user.email), "/verify-email") };
    expectStatus(await shop.call("POST", "/auth/email/verify", { body: proof }), 204);
    expect(await isVerified()).toBe(true);
    const again = await shop.call("POST", "/auth/email/verify", { body: proof });
    expect([again.status, again.body.code]).toEqual([400, "BAD_TOKEN"]);
  }, 30_000);

  it("recovers a password by a mailed link, and says nothing about who has an account", async () => {
    const shop = shopOf();
    const { refreshToken, accessToken, user } = await shop.register();
    const forgot = (email: string) => shop.call("POST", "/auth/password/forgot", { body: { email } });
    const [known, unknown] = [await forgot(user.email), await forgot(`nobody-${user.email}`)];
    const told = ({ status, body, headers }: typeof known) => ({
      status,
      body,
      headers: [...headers].filter(([name]) => !PER_REQUEST.includes(name)),
    });
    expect(told(known)).toMatchObject({ status: 202, body: null });
    expect(told(unknown)).toEqual(told(known));
    const malformed = await forgot("no address");
    expect([malformed.status, malformed.body.code]).toEqual([422, "VALIDATION"]);

    const token = await tokenFor(() => mailsOf(user.email), "/reset-password");
    const reset = (newPassword: string) => shop.call("POST", "/auth/password/reset", { body: { token, newPassword } });
    const weak = await reset("aaaaaaaaaaaa");
    expect([weak.status, weak.body.code]).toEqual([422, "WEAK_PASSWORD"]);
    const both = await Promise.all([reset(NEW_PASSWORD), reset(NEW_PASSWORD)]);
    expect(both.map(({ status, body }) => [status, body?.code]).sort()).toEqual([
      [204, undefined],
      [400, "BAD_TOKEN"],
    ]);
    await eventually(async () => (await shop.call("GET", "/users/me", { token: accessToken })).status === 401);
    expectStatus(await shop.call("POST", "/auth/refresh", { body: { refreshToken } }), 401);
    expectStatus(await shop.call("POST", "/auth/login", { body: { email: user.email, password: PASSWORD } }), 401);
    await shop.login(user.email, NEW_PASSWORD);
    await eventually(() => mailsOf(user.email).some(({ subject }) => subject === "비밀번호가 변경되었습니다"));
    expect(mailsOf(`nobody-${user.email}`)).toEqual([]);
  }, 30_000);
}
