import { MailServer } from "../integration/notification.parts";
import { expectHidden, storedIn } from "./hidden";
import { newPlace } from "./node";
import { NEW_PASSWORD, tokenFor } from "./recovering";
import { expectStatus } from "./shop";

it("writes no token of a mailed link to a log or to its files, used or not, even at the lowest level", async () => {
  const server = await new MailServer().start();
  const place = await newPlace();
  const node = await place.start({ LOG_LEVEL: "trace", LOG_FORMAT: "json", SMTP_URL: server.url });
  const { shop } = place;
  const { accessToken: token, user } = await shop.register();
  const mails = () => server.at(user.email);
  const forgot = () => shop.call("POST", "/auth/password/forgot", { body: { email: user.email } });
  await shop.call("POST", "/auth/email/verification", { token });
  const proof = await tokenFor(mails, "/verify-email");
  expectStatus(await shop.call("POST", "/auth/email/verify", { body: { token: `${proof}x` } }), 400);
  expectStatus(await shop.call("POST", "/auth/email/verify", { body: { token: proof, more: true } }), 422);
  await forgot();
  const used = await tokenFor(mails, "/reset-password");
  const reset = (body: object) => shop.call("POST", "/auth/password/reset", { body });
  expectStatus(await reset({ token: used, newPassword: "aaaaaaaaaaaa" }), 422);
  expectStatus(await reset({ token: used, newPassword: NEW_PASSWORD }), 204);
  expectStatus(await reset({ token: used, newPassword: NEW_PASSWORD }), 400);
  const before = mails().length;
  await forgot();
  const unused = await tokenFor(() => mails().slice(before), "/reset-password");
  await node.stop();

  const log = node.output();
  expect(log).toContain('"path":"/api/v1/auth/password/reset"');
  const data = storedIn(place.dataDir);
  expect(data).toContain("password.reset");
  expectHidden({ log, data }, { proof, used, unused, NEW_PASSWORD });
  await server.stop();
  place.remove();
}, 60_000);
