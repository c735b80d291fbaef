import type { ServiceBroker, ServiceSchema } from "moleculer";
import { callOf, type Meta } from "../../lib/actions";
import type { Revocation } from "../../services/auth/auth.contract";
import authService from "../../services/auth/auth.service";
import { newMail } from "../../services/auth/mails";
import type { UserView } from "../../services/user/user.contract";
import userService from "../../services/user/user.service";
import { type Account, claimsOf, metaOf, newEmail, PASSWORD, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { listener, withAuthStore } from "./auth.parts";
import { eventually, startNode, type TestNode } from "./node";

let node: TestNode;
let heard: Revocation[];

beforeEach(async () => {
  heard = [];
  node = await startNode([authService, userService, listener(heard)]);
});
afterEach(() => node.stop());

const refresh = (refreshToken: string) => node.as<Account>({}, "auth.refresh", { refreshToken });
const login = (account: Account, password = PASSWORD, meta: Meta = {}) =>
  node.as<Account>(meta, "auth.login", { email: account.user.email, password });
const logout = (meta: Meta, refreshToken: string) => node.as(meta, "auth.logout", { refreshToken });
const revocations = async () => (await node.call("auth.revocations", { since: "2020-01-01T00:00:00Z" })).items;

test("a logout ends the session of its refresh token, tells every node and is remembered", async () => {
  const account = await register(node);
  const other = await login(account);
  await expect(logout(metaOf(account), account.refreshToken)).resolves.toBeNull();
  await expect(refresh(account.refreshToken)).rejects.toMatchObject({ code: 401, type: "BAD_REFRESH_TOKEN" });
  await expect(refresh(other.refreshToken)).resolves.toBeDefined();
  const ended = expect.objectContaining({ kind: "session", subject: claimsOf(account).sid, reason: "logout" });
  expect(await eventually(() => heard.length > 0 && heard)).toEqual([ended]);
  expect(await revocations()).toEqual([ended]);
});

test("a logout with a used token, or twice, is a logout; with a foreign one it is not", async () => {
  const [account, foreign] = [await register(node), await register(node)];
  await refresh(account.refreshToken);
  await logout(metaOf(account), foreign.refreshToken);
  await expect(refresh(foreign.refreshToken)).resolves.toBeDefined();
  await logout(metaOf(account), account.refreshToken);
  await logout(metaOf(account), account.refreshToken);
  expect(await revocations()).toHaveLength(1);
  await expect(logout(metaOf(account), "nonsense")).rejects.toMatchObject({ type: "BAD_REFRESH_TOKEN" });
});

test("revocations are forgotten when no access token can live any more", async () => {
  const account = await register(node);
  await logout(metaOf(account), account.refreshToken);
  pass(14 * 60_000);
  expect(await revocations()).toHaveLength(1);
  pass(3 * 60_000);
  expect(await revocations()).toHaveLength(0);
});

test("a new password ends every other session and lets this one go on", async () => {
  const account = await register(node);
  const others = [await login(account), await login(account)];
  const change = (currentPassword: string, newPassword: string) =>
    node.as(metaOf(account), "auth.changePassword", { currentPassword, newPassword });
  await expect(change("a wrong password", "another password")).rejects.toMatchObject({
    code: 403,
    type: "WRONG_PASSWORD",
  });
  await expect(change(PASSWORD, "aaaaaaaaaaaa")).rejects.toMatchObject({ code: 422, type: "WEAK_PASSWORD" });
  await expect(change(PASSWORD, "another password")).resolves.toBeNull();
  for (const other of others) await expect(refresh(other.refreshToken)).rejects.toMatchObject({ code: 401 });
  await expect(refresh(account.refreshToken)).resolves.toBeDefined();
  const sids = others.map((other) => claimsOf(other).sid).sort();
  expect((await revocations()).map(({ kind, subject }) => [kind, subject]).sort()).toEqual(
    sids.map((sid) => ["session", sid]),
  );
  await expect(login(account)).rejects.toMatchObject({ type: "BAD_CREDENTIALS" });
  await expect(login(account, "another password")).resolves.toBeDefined();
});

test("sessions that a dead node left after a new password are ended by another one", async () => {
  const account = await register(node);
  const other = await login(account);
  await node.broker.stop();
  await withAuthStore(async ({ credentials }) => {
    const mail = newMail("password.changed", {});
    const hash = "not looked at";
    await credentials.replacePassword(account.user.id, {
      passwordId: undefined,
      hash,
      keep: claimsOf(account).sid,
      mail,
    });
  }, node.dataDir);
  pass(11_000);
  const again = await startNode([authService, userService], { DATA_DIR: node.dataDir });
  const ended = await eventually(async () => {
    const { items } = await again.call("auth.revocations", { since: "2020-01-01T00:00:00Z" });
    return items.length > 0 && items;
  });
  expect(ended).toEqual([expect.objectContaining({ subject: claimsOf(other).sid, reason: "password" })]);
  await again.stop();
});

test("one sees one's sessions and ends those that are one's own", async () => {
  const account = await register(node);
  await login(account, PASSWORD, { userAgent: "Phone\n1.0", clientIp: "192.0.2.7" });
  const stranger = await register(node);
  const list = (of: Account) =>
    node.as<{ items: { id: string; current: boolean }[] }>(metaOf(of), "auth.sessions").then(({ items }) => items);
  const sessions = await list(account);
  expect(sessions).toContainEqual(
    expect.objectContaining({ id: claimsOf(account).sid, current: true, userAgent: "jest" }),
  );
  const phone = sessions.find(({ current }) => !current);
  expect(phone).toMatchObject({ userAgent: "Phone 1.0", ip: "192.0.2.7" });
  const end = (of: Account, id = "") => node.as(metaOf(of), "auth.endSession", { id });
  await expect(end(stranger, phone?.id)).rejects.toMatchObject({ code: 404, type: "SESSION_NOT_FOUND" });
  await expect(end(account, phone?.id)).resolves.toBeNull();
  await expect(end(account, phone?.id)).rejects.toMatchObject({ type: "SESSION_NOT_FOUND" });
  expect(await list(account)).toHaveLength(1);
});

test("a session shows where it was last used", async () => {
  const account = await register(node);
  const { refreshToken } = account;
  await node.as({ userAgent: "Tablet\t2", clientIp: "198.51.100.4" }, "auth.refresh", { refreshToken });
  const shown = () => node.as<{ items: object[] }>(metaOf(account), "auth.sessions");
  expect((await shown()).items).toEqual([expect.objectContaining({ userAgent: "Tablet 2", ip: "198.51.100.4" })]);
  // A second tab that is a moment late with the same token is used last.
  await node.as({ userAgent: "Laptop", clientIp: "203.0.113.9" }, "auth.refresh", { refreshToken });
  expect((await shown()).items).toEqual([expect.objectContaining({ userAgent: "Laptop", ip: "203.0.113.9" })]);
});

const mailedToken = ({ user }: Account) =>
  node.as<{ token: string }>({}, "auth.mailToken", {
    ...{ userId: user.id, email: user.email, kind: "password.reset", requestedAt: new Date().toISOString() },
  });

test("all sessions end at once, and a mailed link to a new password is as good as before", async () => {
  const account = await register(node);
  const sessions = [account, await login(account), await login(account)];
  const { token } = await mailedToken(account);
  await expect(node.as(metaOf(account), "auth.endAllSessions")).resolves.toBeNull();
  for (const { refreshToken } of sessions)
    await expect(refresh(refreshToken)).rejects.toMatchObject({ code: 401, type: "BAD_REFRESH_TOKEN" });
  const reasons = (await revocations()).map(({ kind, reason }) => `${kind} ${reason}`);
  expect(reasons.sort()).toEqual(["session revoked", "session revoked", "session revoked", "user revoked"]);
  await expect(login(account)).resolves.toBeDefined();
  await expect(node.as({}, "auth.resetPassword", { token, newPassword: "another password" })).resolves.toBeNull();
  await expect(login(account, "another password")).resolves.toBeDefined();
});

test("sessions that a dead node left when all were to end are ended by another one", async () => {
  const account = await register(node);
  const other = await login(account);
  await node.broker.stop();
  await withAuthStore(async ({ credentials }) => {
    await credentials.revoke(account.user.id, "revoked");
  }, node.dataDir);
  pass(11_000);
  const again = await startNode([authService, userService], { DATA_DIR: node.dataDir });
  const ended = await eventually(async () => {
    const { items } = await again.call("auth.revocations", { since: "2020-01-01T00:00:00Z" });
    return items.length === 3 && items.map(({ subject }) => subject).sort();
  });
  expect(ended).toEqual([account.user.id, claimsOf(account).sid, claimsOf(other).sid].sort());
  for (const { refreshToken } of [account, other])
    await expect(again.as({}, "auth.refresh", { refreshToken })).rejects.toMatchObject({ type: "BAD_REFRESH_TOKEN" });
  await again.stop();
});

test("new roles make older access tokens void and the next refresh carries them", async () => {
  const account = await register(node);
  await node.as({ user: { id: "an-admin", roles: ["admin"], sid: "" } }, "user.change", {
    id: account.user.id,
    roles: ["customer", "agent"],
  });
  const renewed = claimsOf(await refresh(account.refreshToken));
  expect(renewed.roles).toEqual(["customer", "agent"]);
  const [revocation] = await revocations();
  expect(revocation).toMatchObject({ kind: "user", subject: account.user.id });
  expect(revocation?.reason).toBeUndefined();
  const at = Date.parse(revocation?.at ?? "");
  expect(claimsOf(account).iat_ms).toBeLessThanOrEqual(at);
  expect(renewed.iat_ms).toBeGreaterThan(at);
});

test("a token is newer than what was revoked before it, also where that node's clock was ahead", async () => {
  const account = await register(node);
  pass(500);
  await node.call("auth.renewClaims", { userId: account.user.id });
  pass(-500);
  const [revocation] = await revocations();
  const at = Date.parse(revocation?.at ?? "");
  expect(claimsOf(await refresh(account.refreshToken)).iat_ms).toBeGreaterThan(at);
  expect(claimsOf(await login(account)).iat_ms).toBeGreaterThan(at);
});

test("the end of a user's sessions covers all of them and their access tokens", async () => {
  const account = await register(node);
  const second = await login(account);
  await node.call("auth.endSessions", { userId: account.user.id, reason: "locked" });
  for (const { refreshToken } of [account, second])
    await expect(refresh(refreshToken)).rejects.toMatchObject({ type: "BAD_REFRESH_TOKEN" });
  expect((await revocations()).map(({ kind, reason }) => `${kind} ${reason}`).sort()).toEqual([
    "session locked",
    "session locked",
    "user locked",
  ]);
  await expect(login(account)).resolves.toBeDefined();
});

test("a login that was overtaken by the end of all sessions opens none", async () => {
  let meanwhile: (id: string) => Promise<unknown> = async () => undefined;
  const slow = (broker: ServiceBroker): ServiceSchema => ({
    name: "user",
    actions: {
      create: (ctx: { params: UserView }) => ctx.params,
      async find(ctx: { params: { id: string } }) {
        await meanwhile(ctx.params.id);
        return { id: ctx.params.id, roles: ["customer"], status: "active" };
      },
    },
    created: () => void broker,
  });
  const other = await startNode([authService, slow]);
  const email = newEmail();
  const { user } = await register(other, { email });
  meanwhile = (userId) => callOf(other.broker)("auth.endSessions", { userId, reason: "locked" });
  await expect(other.as({}, "auth.login", { email, password: PASSWORD })).rejects.toMatchObject({ code: 401 });
  meanwhile = async () => undefined;
  const { items } = await other.as<{ items: unknown[] }>(
    { user: { id: user.id, roles: [], sid: "" } },
    "auth.sessions",
  );
  expect(items).toHaveLength(0);
  await other.stop();
});
