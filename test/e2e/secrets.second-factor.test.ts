import { appFor } from "../integration/auth.second-factor.parts";
import { expectHidden, storedIn } from "./hidden";
import { newPlace } from "./node";
import { expectStatus, PASSWORD } from "./shop";

it("writes no secret, code or token of a second factor to a log or to its files, even at the lowest level", async () => {
  const place = await newPlace();
  const node = await place.start({ LOG_LEVEL: "trace", LOG_FORMAT: "json" });
  const { shop } = place;
  const { accessToken: token, user } = await shop.register();
  const { secret, otpauthUrl } = expectStatus(
    await shop.call<{ secret: string; otpauthUrl: string }>("POST", "/auth/mfa/totp", { token }),
    200,
  );
  const app = appFor(secret);
  const confirm = (body: object) =>
    shop.call<{ recoveryCodes: string[] }>("POST", "/auth/mfa/totp/confirm", { token, body });
  expectStatus(await confirm({ code: app.now(), more: true }), 422);
  const { recoveryCodes } = expectStatus(await confirm({ code: app.now() }), 200);
  const begin = async () => {
    const body = { email: user.email, password: PASSWORD };
    return expectStatus(await shop.call<{ mfaToken: string }>("POST", "/auth/login", { body }), 401).mfaToken;
  };
  const [used, unused] = [await begin(), await begin()];
  const show = (mfaToken: string, code: string) => shop.call("POST", "/auth/mfa", { body: { mfaToken, code } });
  const next = app.at(1);
  const [recovery = "", kept = ""] = recoveryCodes;
  expectStatus(await show(used, `${recovery}X`), 401);
  expectStatus(await show(used, recovery), 200);
  expectStatus(await show(used, next), 401);
  expectStatus(await show(unused, next), 200);
  const open = await begin();
  await node.stop();

  const log = node.output();
  expect(log).toContain('"path":"/api/v1/auth/mfa"');
  const data = storedIn(place.dataDir);
  expect(data).toContain("sign-in.second-factor");
  const secrets = { secret, otpauthUrl, used, unused, open, recovery, kept };
  expectHidden({ log, data }, { ...secrets, plain: kept.replaceAll("-", "") });
  place.remove();
}, 60_000);
