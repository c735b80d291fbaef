import { newId } from "../../lib/ids";
import { metaOf, outcomes, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { RecoveryLab, WEB_URL } from "./recovery.parts";

const DAY = 24 * 3_600_000;
const badToken = { code: 400, type: "BAD_TOKEN" };

let lab: RecoveryLab;
beforeAll(async () => {
  lab = await RecoveryLab.start();
});
afterAll(() => lab.stop());

test("an address is proven by a mailed link, once, also where it is followed twice at once", async () => {
  const account = await register(lab.node);
  await expect(lab.askForProof(account)).resolves.toBeNull();
  const token = await lab.token(lab.emailOf(account));
  expect(lab.server.at(lab.emailOf(account))[0]?.links).toContain(`${WEB_URL}/verify-email?token=${token}`);
  expect(await lab.isVerified(account)).toBe(false);
  expect(await outcomes([lab.verify(token), lab.verify(token)])).toEqual({ BAD_TOKEN: 1, ok: 1 });
  expect(await lab.isVerified(account)).toBe(true);
  await expect(lab.verify(token)).rejects.toMatchObject(badToken);
});

test("an address that is proven gets no more mails", async () => {
  const account = await lab.verified();
  await expect(lab.askForProof(account)).resolves.toBeNull();
  await lab.forgotten(account);
  expect(lab.server.at(lab.emailOf(account)).map(({ subject }) => subject)).toEqual([
    "Please confirm your email address",
    "Choose a new password",
  ]);
});

test("an address is proven within a day", async () => {
  const account = await register(lab.node);
  await lab.askForProof(account);
  const token = await lab.token(lab.emailOf(account));
  pass(DAY);
  await expect(lab.verify(token)).rejects.toMatchObject(badToken);
});

test("an address is mailed a link five times an hour at most", async () => {
  const account = await register(lab.node);
  const asked = await outcomes(Array.from({ length: 7 }, () => lab.askForProof(account)));
  expect(asked).toEqual({ TOO_MANY_ATTEMPTS: 2, ok: 5 });
  const refused = await lab.askForProof(account).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 429, data: { retryAfter: expect.any(Number) } });
  await lab.mails(lab.emailOf(account), 5);
});

test("an account without an address has none to prove", async () => {
  const account = await register(lab.node);
  const id = newId();
  await lab.node.call("user.create", { id, email: null, name: "Kim" });
  const other = { ...metaOf(account), user: { id, roles: ["customer" as const], sid: "s" } };
  await expect(lab.node.as(other, "auth.requestVerification")).rejects.toMatchObject({ code: 409, type: "NO_EMAIL" });
});
