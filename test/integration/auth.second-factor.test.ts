import { readdir, readFile } from "node:fs/promises";
import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { outcomes, PASSWORD } from "./auth.accounts";
import { pass } from "./auth.clock";
import { newPerson, node, person, refused, startWithMailbox, told } from "./auth.second-factor.mailed";
import { appFor, Person, refusalOf, STEP_MS, wrong } from "./auth.second-factor.parts";
import { startNode } from "./node";

beforeAll(startWithMailbox);
afterAll(() => node.stop());
beforeEach(newPerson);

describe("setting one up", () => {
  test("gives a secret for an app, another one each time until it is confirmed", async () => {
    const first = await person.asked<{ secret: string; otpauthUrl: string }>("setUpTotp");
    expect(first.secret).toMatch(/^[A-Z2-7]{32}$/);
    const url = new URL(first.otpauthUrl);
    expect(decodeURIComponent(url.pathname)).toBe(`/shop.example:${person.account.user.email}`);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      ...{ issuer: "shop.example", algorithm: "SHA1", digits: "6", period: "30" },
      secret: first.secret,
    });
    const second = await person.asked<{ secret: string }>("setUpTotp");
    expect(second.secret).not.toBe(first.secret);
    // Nothing asks for it before it is confirmed.
    await expect(person.login()).resolves.toBeDefined();
    const confirm = (secret: string) => person.asked("confirmTotp", { code: appFor(secret).now() });
    await expect(confirm(first.secret)).rejects.toEqual(refused(422, "BAD_CODE"));
    await expect(confirm(second.secret)).resolves.toMatchObject({ recoveryCodes: expect.arrayContaining([]) });
  });

  test("is over when it is on, and says so", async () => {
    await expect(person.asked("confirmTotp", { code: "123456" })).rejects.toEqual(refused(409, "MFA_NOT_STARTED"));
    await person.enrol();
    await expect(person.asked("setUpTotp")).rejects.toEqual(refused(409, "MFA_ALREADY_ENABLED"));
    await expect(person.asked("confirmTotp", { code: "123456" })).rejects.toEqual(refused(409, "MFA_ALREADY_ENABLED"));
  });

  test("is told of by mail, and shows in one's account", async () => {
    expect(await person.asked("mfa")).toEqual({ enabled: false, recoveryCodesLeft: 0, required: false });
    const { recoveryCodes } = await person.enrol();
    expect(recoveryCodes).toHaveLength(10);
    expect(await told("mfa.enabled")).toMatchObject({ ip: "192.0.2.1" });
    const state = { enabled: true, recoveryCodesLeft: 10, required: false, enabledAt: expect.stringMatching(/Z$/) };
    expect(await person.asked("mfa")).toEqual(state);
  });

  test("is for a session that goes on, although the token of one that ended may still be taken", async () => {
    const { secret } = await person.asked<{ secret: string }>("setUpTotp");
    await person.asked("endAllSessions");
    await expect(person.asked("setUpTotp")).rejects.toEqual(refused(401, "TOKEN_REVOKED"));
    const code = appFor(secret).now();
    await expect(person.asked("confirmTotp", { code })).rejects.toEqual(refused(401, "TOKEN_REVOKED"));
    await expect(person.login()).resolves.toBeDefined();
  });

  test("counts wrong codes, too", async () => {
    const { secret } = await person.asked<{ secret: string }>("setUpTotp");
    const app = appFor(secret);
    const attempts = Array.from({ length: 12 }, () => person.asked("confirmTotp", { code: wrong(app) }));
    expect(await outcomes(attempts)).toEqual({ BAD_CODE: 10, TOO_MANY_ATTEMPTS: 2 });
    await expect(person.asked("confirmTotp", { code: app.now() })).rejects.toEqual(refused(429, "TOO_MANY_ATTEMPTS"));
  });

  test("overtakes a sign-in that is under way without it", async () => {
    const { secret } = await person.asked<{ secret: string }>("setUpTotp");
    // Hashing takes longer than confirming.
    // Two are hashed at a time: some have read the account before it is confirmed, and none is done by then.
    const signIns = outcomes(Array.from({ length: 10 }, () => person.login()));
    await person.asked("confirmTotp", { code: appFor(secret).now() });
    const { ok = 0, BAD_CREDENTIALS: overtaken = 0, MFA_REQUIRED: asked = 0 } = await signIns;
    expect(overtaken).toBeGreaterThan(0);
    expect(ok + overtaken + asked).toBe(10);
    const { items } = await person.asked<{ items: object[] }>("sessions");
    expect(items).toHaveLength(1 + ok);
    await expect(person.login()).rejects.toEqual(refused(401, "MFA_REQUIRED"));
  });
});

describe("signing in with one", () => {
  test("takes a code after the password, with a token of its own", async () => {
    const { app } = await person.enrol();
    pass(STEP_MS);
    const refusal = await refusalOf(person.login());
    expect(refusal).toMatchObject({ code: 401, type: "MFA_REQUIRED" });
    const mfaToken = refusal.data.extra?.mfaToken ?? "";
    await expect(person.show(mfaToken, wrong(app))).rejects.toEqual(refused(401, "BAD_CODE"));
    const tokens = await person.show(mfaToken, ` ${app.now().slice(0, 3)} ${app.now().slice(3)}`);
    expect(tokens).toMatchObject({ user: person.account.user, tokenType: "Bearer", recoveryCodesLeft: 10 });
    expect(tokens).not.toHaveProperty("mfaEnrolmentRequired");
    pass(STEP_MS);
    await expect(person.show(mfaToken, app.now())).rejects.toEqual(refused(401, "BAD_TOKEN"));
  });

  test("a code counts once, the confirming one too", async () => {
    const { app } = await person.enrol();
    await expect(person.show(await person.begin(), app.now())).rejects.toEqual(refused(401, "BAD_CODE"));
    // The app's clock is a step ahead: the code of the next step is good, and with it all that are older are gone.
    const ahead = app.at(1);
    await expect(person.show(await person.begin(), ahead)).resolves.toBeDefined();
    for (const code of [ahead, app.now(), app.at(-1)])
      await expect(person.show(await person.begin(), code)).rejects.toEqual(refused(401, "BAD_CODE"));
    pass(2 * STEP_MS);
    await expect(person.show(await person.begin(), app.now())).resolves.toBeDefined();
  });

  test("a recovery code does, once, however it is typed, and its owner is told", async () => {
    const { recoveryCodes } = await person.enrol();
    const code = recoveryCodes[3] ?? "";
    const tokens = await person.show(await person.begin(), code.toLowerCase().replaceAll("-", " "));
    expect(tokens.recoveryCodesLeft).toBe(9);
    expect(await told("mfa.recovery-code-used")).toMatchObject({ codesLeft: 9, ip: "192.0.2.1" });
    await expect(person.show(await person.begin(), code)).rejects.toEqual(refused(401, "BAD_CODE"));
    expect(await person.asked("mfa")).toMatchObject({ recoveryCodesLeft: 9 });
  });

  test("is over after five minutes, and when the password or the second factor changed", async () => {
    const { app } = await person.enrol();
    const badToken = refused(401, "BAD_TOKEN");
    await expect(person.show("x".repeat(43), app.now())).rejects.toEqual(badToken);
    const old = await person.begin();
    pass(5 * 60_000);
    await expect(person.show(old, app.now())).rejects.toEqual(badToken);
    const before = await person.begin();
    const newPassword = "another correct horse";
    await person.asked("changePassword", { currentPassword: PASSWORD, newPassword });
    await expect(person.show(before, app.now())).rejects.toEqual(badToken);
    await expect(person.login()).rejects.toEqual(refused(401, "BAD_CREDENTIALS"));
  });

  test("is refused to a locked account before it is asked for a code", async () => {
    const { app } = await person.enrol();
    const token = await person.begin();
    const { id } = person.account.user;
    const admin = { user: { id: "a1", roles: ["admin" as const], sid: "s1" } };
    await node.as(admin, "user.change", { id, status: "locked" });
    await expect(person.login()).rejects.toEqual(refused(403, "ACCOUNT_LOCKED"));
    await expect(person.show(token, app.now())).rejects.toEqual(refused(401, "BAD_TOKEN"));
  });
});

test("a node with another key secret takes no code for right, and counts none as wrong", async () => {
  const first = await startNode([authService, userService]);
  const { dataDir } = first;
  const owner = await Person.new(first);
  const { app } = await owner.enrol();
  await first.broker.stop();
  const JWT_KEY_SECRET = "another secret than that of before, as long";
  const second = await startNode([authService, userService], { DATA_DIR: dataDir, JWT_KEY_SECRET });
  pass(STEP_MS);
  const attempts = Array.from({ length: 12 }, async () => owner.show(await owner.begin(second), app.now(), second));
  const counts = await outcomes(attempts);
  expect(Object.keys(counts)).toEqual([expect.stringContaining("another JWT_KEY_SECRET")]);
  const reset = { userId: owner.account.user.id, operator: "kim@desk", reason: "the secret was lost" };
  await second.call("auth.resetSecondFactor", reset);
  await expect(owner.login(second)).resolves.toBeDefined();
  await second.broker.stop();
  await first.stop();
});

test("neither codes nor the secret are stored as they are", async () => {
  const { secret } = await person.asked<{ secret: string }>("setUpTotp");
  const { recoveryCodes } = await person.asked<{ recoveryCodes: string[] }>("confirmTotp", {
    code: appFor(secret).now(),
  });
  await node.broker.stop();
  const files = await readdir(node.dataDir, { recursive: true, withFileTypes: true });
  const texts = files
    .filter((file) => file.isFile())
    .map((file) => readFile(`${file.parentPath}/${file.name}`, "utf8"));
  const all = (await Promise.all(texts)).join("\n");
  expect(all).toContain(person.account.user.email);
  for (const text of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll("-", ""))])
    expect(all).not.toContain(text);
});
