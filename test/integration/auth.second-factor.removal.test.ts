import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { metaOf, outcomes, PASSWORD } from "./auth.accounts";
import { pass } from "./auth.clock";
import { withAuthStore } from "./auth.parts";
import { newPerson, node, person, refused, startWithMailbox, told } from "./auth.second-factor.mailed";
import { Person, STEP_MS, wrong } from "./auth.second-factor.parts";
import { startNode } from "./node";

beforeAll(startWithMailbox);
afterAll(() => node.stop());
beforeEach(newPerson);

describe("taking it away", () => {
  test("asks for the password, ends what was begun with it and is told of by mail", async () => {
    const { app } = await person.enrol();
    const begun = await person.begin();
    pass(STEP_MS);
    for (const params of [{}, { code: app.now() }])
      await expect(person.asked("disableTotp", params)).rejects.toMatchObject({
        ...{ code: 422, data: { errors: [{ path: "password" }] } },
      });
    await expect(person.asked("disableTotp", { password: "not the password" })).rejects.toEqual(
      refused(403, "WRONG_PASSWORD"),
    );
    expect(await person.asked("disableTotp", { password: PASSWORD })).toBeNull();
    await told("mfa.disabled");
    await expect(person.show(begun, app.now())).rejects.toEqual(refused(401, "BAD_TOKEN"));
    await expect(person.login()).resolves.toBeDefined();
    expect(await person.asked("disableTotp", { password: PASSWORD })).toBeNull();
    // It is set up anew, with another secret.
    await expect(person.enrol()).resolves.toBeDefined();
  });

  test("counts wrong passwords", async () => {
    const attempts = Array.from({ length: 12 }, () => person.asked("disableTotp", { password: "not the password" }));
    expect(await outcomes(attempts)).toEqual({ WRONG_PASSWORD: 10, TOO_MANY_ATTEMPTS: 2 });
  });

  test("new recovery codes take a code, and the place of the old ones", async () => {
    await expect(person.asked("renewRecoveryCodes", { code: "123456" })).rejects.toEqual(
      refused(409, "MFA_NOT_ENABLED"),
    );
    const { app, recoveryCodes: old } = await person.enrol();
    await expect(person.asked("renewRecoveryCodes", { code: app.now() })).rejects.toEqual(refused(422, "BAD_CODE"));
    pass(STEP_MS);
    const { recoveryCodes } = await person.asked<{ recoveryCodes: string[] }>("renewRecoveryCodes", {
      code: app.now(),
    });
    expect(recoveryCodes).toHaveLength(10);
    await expect(person.show(await person.begin(), old[0] ?? "")).rejects.toEqual(refused(401, "BAD_CODE"));
    await expect(person.show(await person.begin(), recoveryCodes[0] ?? "")).resolves.toMatchObject({
      recoveryCodesLeft: 9,
    });
  });

  test("an operator does it for who lost it: sessions end everywhere, and the owner is told", async () => {
    await person.enrol();
    const { id: userId } = person.account.user;
    const reset = () => node.call("auth.resetSecondFactor", { userId, operator: "kim@desk", reason: "phone was lost" });
    expect(await reset()).toEqual({ removed: true });
    await told("mfa.disabled");
    await expect(person.refresh()).rejects.toEqual(refused(401, "BAD_REFRESH_TOKEN"));
    const { items } = await node.call("auth.revocations", { since: new Date(Date.now() - 60_000).toISOString() });
    expect(items).toContainEqual(
      expect.objectContaining({ kind: "session", subject: metaOf(person.account).user?.sid, reason: "revoked" }),
    );
    await expect(person.login()).resolves.toBeDefined();
    expect(await reset()).toEqual({ removed: false });
  });
});

test("an account without a password takes it away with a code, which is counted", async () => {
  const first = await startNode([authService, userService]);
  const { dataDir } = first;
  const social = await Person.new(first);
  const { app } = await social.enrol();
  await first.broker.stop();
  // As it is where somebody has only ever signed in with a provider.
  await withAuthStore(async ({ credentials }) => {
    await credentials.collection.update({ _id: social.account.user.id }, { $unset: { hash: true } });
  }, dataDir);
  const second = await startNode([authService, userService], { DATA_DIR: dataDir });
  const disable = (params: object) => social.asked("disableTotp", params, second);
  const login = { email: social.account.user.email, password: PASSWORD };
  await expect(second.as({}, "auth.login", login)).rejects.toEqual(refused(401, "BAD_CREDENTIALS"));
  pass(STEP_MS);
  await expect(disable({ password: PASSWORD })).rejects.toMatchObject({ data: { errors: [{ path: "code" }] } });
  await expect(disable({ code: wrong(app) })).rejects.toEqual(refused(422, "BAD_CODE"));
  expect(await disable({ code: app.now() })).toBeNull();
  expect(await social.asked("mfa", {}, second)).toMatchObject({ enabled: false });
  await second.broker.stop();
  await first.stop();
});
