import type { Change } from "../../lib/store/collection";
import type { CredentialDocument } from "../../services/auth/credentials";
import { recovery } from "../../services/auth/recovery/recovery";
import { type Account, claimsOf, metaOf, newEmail, outcomes, PASSWORD, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { withAuthStore } from "./auth.parts";
import { eventually } from "./node";
import { RecoveryLab, WEB_URL } from "./recovery.parts";

const NEW_PASSWORD = "violet tractor lampshade";
const OTHER_PASSWORD = "seven quiet harbours";
const MINUTE = 60_000;
const badToken = { code: 400, type: "BAD_TOKEN" };

let lab: RecoveryLab;
beforeAll(async () => {
  lab = await RecoveryLab.start();
});
afterAll(() => lab.stop());

describe("a forgotten password", () => {
  test("is replaced by a mailed link, which ends every session, proves the address and is told of", async () => {
    const account = await register(lab.node);
    const email = lab.emailOf(account);
    const other = await lab.login(email, PASSWORD);
    const token = await lab.forgotten(account);
    expect(lab.server.at(email)[0]?.links).toContain(`${WEB_URL}/reset-password?token=${token}`);
    expect(token).toMatch(/^[\w-]{43}$/);
    await expect(lab.reset(token, NEW_PASSWORD)).resolves.toBeNull();
    for (const session of [account, other])
      await expect(lab.refresh(session)).rejects.toMatchObject({ code: 401, type: "BAD_REFRESH_TOKEN" });
    const { items } = await lab.node.call("auth.revocations", { since: "2020-01-01T00:00:00Z" });
    const ended = items.filter(({ reason }) => reason === "password").map(({ subject }) => subject);
    expect(ended).toEqual(expect.arrayContaining([account, other].map((session) => claimsOf(session).sid)));
    await expect(lab.login(email, PASSWORD)).rejects.toMatchObject({ type: "BAD_CREDENTIALS" });
    await expect(lab.login(email, NEW_PASSWORD)).resolves.toBeDefined();
    await eventually(() => lab.isVerified(account));
    const [, notice] = await lab.mails(email, 2);
    expect(notice?.subject).toBe("Your password was changed");
    expect(notice?.links).toEqual([`${WEB_URL}/forgot-password`, `${WEB_URL}/account/security`]);
  });

  test("is replaced once by a link, also where it is used twice at once", async () => {
    const token = await lab.forgotten(await register(lab.node));
    const used = await outcomes([lab.reset(token, NEW_PASSWORD), lab.reset(token, OTHER_PASSWORD)]);
    expect(used).toEqual({ BAD_TOKEN: 1, ok: 1 });
    await expect(lab.reset(token, NEW_PASSWORD)).rejects.toMatchObject(badToken);
  });

  test("is replaced by one of two links, whichever comes first; the other is void from then on", async () => {
    const account = await register(lab.node);
    const [first, second] = [await lab.forgotten(account), await lab.forgotten(account)];
    expect(first).not.toBe(second);
    const used = await outcomes([lab.reset(first, NEW_PASSWORD), lab.reset(second, OTHER_PASSWORD)]);
    expect(used).toEqual({ BAD_TOKEN: 1, ok: 1 });
  });

  test("is not replaced by a link from before somebody changed it", async () => {
    const account = await register(lab.node);
    const token = await lab.forgotten(account);
    const change = { currentPassword: PASSWORD, newPassword: OTHER_PASSWORD };
    await lab.node.as(metaOf(account), "auth.changePassword", change);
    await expect(lab.reset(token, NEW_PASSWORD)).rejects.toMatchObject(badToken);
    await expect(lab.login(lab.emailOf(account), OTHER_PASSWORD)).resolves.toBeDefined();
  });

  test("leaves a link as good as before where the new one is too weak", async () => {
    const token = await lab.forgotten(await register(lab.node));
    await expect(lab.reset(token, "aaaaaaaaaaaa")).rejects.toMatchObject({ code: 422, type: "WEAK_PASSWORD" });
    await expect(lab.reset(token, "short")).rejects.toMatchObject({ code: 422 });
    await expect(lab.reset(token, NEW_PASSWORD)).resolves.toBeNull();
  });

  test("is not replaced by what is no link of ours, nor by one that proves an address", async () => {
    const account = await register(lab.node);
    await lab.askForProof(account);
    const token = await lab.token(lab.emailOf(account));
    for (const wrong of ["nonsense", token, `${token}x`])
      await expect(lab.reset(wrong, NEW_PASSWORD)).rejects.toMatchObject(badToken);
    await expect(lab.verify(await lab.forgotten(account))).rejects.toMatchObject(badToken);
    await expect(lab.verify(token)).resolves.toBeNull();
  });

  test("is not replaced after half an hour", async () => {
    const token = await lab.forgotten(await register(lab.node));
    pass(30 * MINUTE);
    await expect(lab.reset(token, NEW_PASSWORD)).rejects.toMatchObject(badToken);
  });

  test("of a locked account is replaced, and the account stays locked", async () => {
    const account = await register(lab.node);
    const admin = { user: { id: "an-admin", roles: ["admin" as const], sid: "" } };
    await lab.node.as(admin, "user.change", { id: account.user.id, status: "locked" });
    await lab.reset(await lab.forgotten(account), NEW_PASSWORD);
    await expect(lab.login(lab.emailOf(account), NEW_PASSWORD)).rejects.toMatchObject({ type: "ACCOUNT_LOCKED" });
  });

  test("of an erased account is nobody's: its link is void, and no other comes", async () => {
    const account = await register(lab.node);
    const token = await lab.forgotten(account);
    await lab.node.as(metaOf(account), "user.eraseMe");
    await expect(lab.reset(token, NEW_PASSWORD)).rejects.toMatchObject(badToken);
    await lab.forgot(lab.emailOf(account));
    // What comes later is through: so was the one before it.
    await lab.forgotten(await register(lab.node));
    expect(lab.server.at(lab.emailOf(account))).toHaveLength(1);
  });
});

describe("how often a link is sent", () => {
  test("is limited by address, with the same answer and nothing sent", async () => {
    const account = await register(lab.node);
    const email = lab.emailOf(account);
    for (let i = 0; i < 8; i++) await expect(lab.forgot(email)).resolves.toBeNull();
    await lab.mails(email, 5);
    await lab.forgotten(await register(lab.node));
    expect(lab.server.at(email)).toHaveLength(5);
    pass(60 * MINUTE);
    await lab.forgot(email.toUpperCase());
    await lab.mails(email, 6);
  });

  test("is limited by client, whatever addresses it names", async () => {
    const from = lab.client({ clientIp: "2001:db8:7:7::1" });
    const neighbour = { ...from, clientIp: "2001:db8:7:7::2" };
    await Promise.all(Array.from({ length: 20 }, () => lab.forgot(newEmail(), from)));
    const account = await register(lab.node);
    await expect(lab.forgot(lab.emailOf(account), neighbour)).resolves.toBeNull();
    await lab.forgotten(await register(lab.node));
    expect(lab.server.at(lab.emailOf(account))).toEqual([]);
    await expect(lab.forgotten(account)).resolves.toBeDefined();
  });
});

test("a known and an unknown address are written down alike, and nobody is asked about either", async () => {
  await withAuthStore(async (store) => {
    const known = "known@example.org";
    const pending = await store.credentials.claim({ email: known, hash: "not looked at", name: "Kim" });
    await store.credentials.activate(pending);
    const never = () => Promise.reject(new Error("asked"));
    const { forgot, takeUp } = recovery({ store, passwords: undefined as never, soon: never, asking: { call: never } });
    const meta = { clientIp: "192.0.2.1", userAgent: "jest", acceptLanguage: "ko" };
    for (const email of [known, "other@example.org"]) await forgot(email, meta);
    const written = await store.recoveries.collection.find({}, { sort: ["email"] });
    expect(written).toHaveLength(2);
    const [first, second] = written.map(({ _id, email, at, due, ...rest }) => ({ ...rest, dueAtOnce: due === at }));
    expect(first).toEqual({ acceptLanguage: "ko", userAgent: "jest", ip: "192.0.2.1", dueAtOnce: true });
    expect(second).toEqual(first);
    await store.credentials.claim({ email: "unfinished@example.org", hash: "not looked at", name: "Lee" });
    await forgot("unfinished@example.org", meta);
    // Nobody is asked to send a mail to who is no customer, or not one yet.
    for (const request of await store.recoveries.collection.find({ email: { $ne: known } })) await takeUp(request);
    expect(await store.recoveries.collection.count({})).toBe(1);
  });
});

describe("while the mail server is away", () => {
  test("a link waits, is sent later, and is good for half an hour from when it was asked for", async () => {
    const account = await register(lab.node);
    const email = lab.emailOf(account);
    await lab.server.stop();
    const retried = await lab.counted("retried");
    await lab.forgot(email);
    await eventually(async () => (await lab.counted("retried")) > retried);
    pass(20 * MINUTE);
    await lab.server.start();
    const token = await lab.token(email);
    await expect(lab.reset(token, "aaaaaaaaaaaa")).rejects.toMatchObject({ type: "WEAK_PASSWORD" });
    pass(10 * MINUTE);
    await expect(lab.reset(token, NEW_PASSWORD)).rejects.toMatchObject(badToken);
  });

  test("a link for which it is too late is not sent any more", async () => {
    const account = await register(lab.node);
    await lab.server.stop();
    const [retried, dropped] = [await lab.counted("retried"), await lab.counted("dropped")];
    await lab.forgot(lab.emailOf(account));
    await eventually(async () => (await lab.counted("retried")) > retried);
    pass(31 * MINUTE);
    await lab.server.start();
    await eventually(async () => (await lab.counted("dropped")) === dropped + 1);
    expect(lab.server.at(lab.emailOf(account))).toEqual([]);
  });
});

describe("what somebody set up who never had the address", () => {
  const at = "2026-01-01T00:00:00.000Z";
  const links = { kakao: { subject: "https://kauth.example 1", linkedAt: at } };
  const secondFactor = { on: { id: "f", secret: "sealed", since: at, lastStep: 1, recovery: [] } };
  const others = { $set: { links, secondFactor } };

  /** The credential of an account with such a change after its password was reset by mail. */
  async function afterReset(account: Account, change: Change): Promise<CredentialDocument | null> {
    const { dataDir } = lab.node;
    let credential: CredentialDocument | null = null;
    await lab.stop();
    await withAuthStore(async ({ credentials }) => {
      await credentials.collection.update({ _id: account.user.id }, change);
    }, dataDir);
    lab = await RecoveryLab.start({ DATA_DIR: dataDir });
    await lab.reset(await lab.forgotten(account), NEW_PASSWORD);
    await eventually(() => lab.isVerified(account));
    await lab.stop();
    await withAuthStore(async ({ credentials }) => {
      credential = await credentials.get(account.user.id);
    }, dataDir);
    lab = await RecoveryLab.start();
    return credential;
  }

  test("goes when its owner sets a password by mail", async () => {
    const credential = await afterReset(await register(lab.node), others);
    expect(credential).toMatchObject({ state: "active", email: expect.any(String) });
    expect(credential).not.toHaveProperty("links");
  });

  test("does not open what a second factor closes", async () => {
    const { on } = secondFactor;
    const pending = { id: "p", secret: "sealed" };
    const closed = await afterReset(await register(lab.node), { $set: { secondFactor: { on } } });
    expect(closed).toMatchObject({ secondFactor: { on } });
    const open = await afterReset(await register(lab.node), { $set: { secondFactor: { pending } } });
    expect(open?.secondFactor).not.toHaveProperty("pending");
  });

  test("stays where the address had been proven before", async () => {
    expect(await afterReset(await lab.verified(), others)).toMatchObject({ links, secondFactor });
  });

  test("was all there was: an account without a password gets one by mail", async () => {
    const account = await lab.verified();
    const credential = await afterReset(account, { $set: { links }, $unset: { hash: true } });
    expect(credential).toMatchObject({ links, hash: expect.any(String), passwordId: expect.any(String) });
  });
});
