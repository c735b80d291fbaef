import type { ShopNode } from "../../lib/infra/nodes";
import { mailsIn } from "../integration/mail.parts";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { NEW_PASSWORD, tokenIn } from "./recovering";
import { type Answer, expectStatus } from "./shop";

const QUICK = { LEASE_MS: "400" };
const points = [
  "auth.verification-accepted",
  "auth.email-verified",
  "auth.recovery-accepted",
  "auth.recovery-handed-over",
  "auth.password-reset",
  "notification.mail.queued",
  "notification.mail.sent",
];

describe.each(points)("killed at %s", (point) => {
  let place: Place;
  let node: ShopNode;
  let crashes = 0;
  afterEach(async () => {
    await node.kill();
    place.remove();
  });

  async function restarted(): Promise<void> {
    await node.exited;
    crashes++;
    node = await place.start(QUICK);
  }

  /** What was asked of a shop that may die of it, or soon after; undefined where it gave no answer. */
  async function asked<T>(request: () => Promise<Answer<T>>): Promise<Answer<T> | undefined> {
    const answer = await request().catch(() => undefined);
    if (!answer) await restarted();
    return answer;
  }

  /** What comes of work in the background, of which the shop may die. */
  async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    const dead = () => !node.running;
    const seen = await eventually<T | "dead" | undefined>(async () => (dead() ? "dead" : look()));
    if (seen !== "dead") return seen as T;
    await restarted();
    return eventually(look) as Promise<T>;
  }

  it("sends every mail that was asked for, each once, and ends sessions with the password", async () => {
    place = await newPlace();
    node = await place.start({ ...QUICK, CRASH_AT: point });
    const { shop } = place;
    const { accessToken: token, refreshToken, user } = await shop.register();
    const mails = () => mailsIn(place.dataDir, user.email);
    const isVerified = async () =>
      (await shop.call<{ emailVerified: boolean }>("GET", "/users/me", { token })).body.emailVerified;

    await asked(() => shop.call("POST", "/auth/email/verification", { token }));
    const proof = { token: await until(() => tokenIn(mails(), "/verify-email")) };
    const proven = await asked(() => shop.call("POST", "/auth/email/verify", { body: proof }));
    // Whoever got no answer follows the link again.
    if (!proven) expectStatus(await shop.call("POST", "/auth/email/verify", { body: proof }), 204);
    expect(await isVerified()).toBe(true);

    await asked(() => shop.call("POST", "/auth/password/forgot", { body: { email: user.email } }));
    const body = { token: await until(() => tokenIn(mails(), "/reset-password")), newPassword: NEW_PASSWORD };
    const reset = await asked(() => shop.call("POST", "/auth/password/reset", { body }));
    const again = expectStatus(await shop.call("POST", "/auth/password/reset", { body }), 400);
    expect(again).toMatchObject({ code: "BAD_TOKEN" });
    if (reset) expect(reset.status).toBe(204);
    await eventually(async () => (await shop.call("POST", "/auth/refresh", { body: { refreshToken } })).status === 401);
    await shop.login(user.email, NEW_PASSWORD);
    await until(() => mails().some(({ subject }) => subject === "비밀번호가 변경되었습니다") || undefined);
    expect(mails()).toHaveLength(3);
    expect(crashes).toBe(1);
  }, 60_000);
});
