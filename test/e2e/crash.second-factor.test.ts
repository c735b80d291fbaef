import type { ShopNode } from "../../lib/infra/nodes";
import { appFor } from "../integration/auth.second-factor.parts";
import { mailsIn } from "../integration/mail.parts";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { expectStatus, PASSWORD, type Tokens } from "./shop";

const QUICK = { LEASE_MS: "400" };

let place: Place;
let node: ShopNode;
afterEach(async () => {
  await node.kill();
  place.remove();
});

/** How often an address was told by mail that its account has a second factor. */
const timesTold = (address: string): number =>
  mailsIn(place.dataDir, address).filter(({ subject }) => subject.includes("2단계 인증")).length;

it("a second factor is on when its node died, and its owner is told of it", async () => {
  place = await newPlace();
  node = await place.start({ ...QUICK, CRASH_AT: "auth.second-factor-enabled" });
  const { shop } = place;
  const { user, accessToken: token } = await shop.register();
  const { secret } = expectStatus(await shop.call<{ secret: string }>("POST", "/auth/mfa/totp", { token }), 200);
  const app = appFor(secret);
  const code = app.now();
  await expect(shop.call("POST", "/auth/mfa/totp/confirm", { token, body: { code } })).rejects.toThrow();
  await node.exited;
  expect(timesTold(user.email)).toBe(0);

  node = await place.start(QUICK);
  await eventually(() => timesTold(user.email) === 1);
  const body = { email: user.email, password: PASSWORD };
  const half = await shop.call<{ mfaToken: string }>("POST", "/auth/login", { body });
  expect([half.status, half.body.code]).toEqual([401, "MFA_REQUIRED"]);
  const { mfaToken } = half.body;
  const show = (shown: string) => shop.call<Tokens>("POST", "/auth/mfa", { body: { mfaToken, code: shown } });
  expect((await show(code)).body.code).toBe("BAD_CODE");
  const shown = expectStatus(await show(app.at(1)), 200);
  expect(shown.user.id).toBe(user.id);
}, 60_000);
