import type { ServiceBroker, ServiceSchema } from "moleculer";
import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { type Account, claimsOf, metaOf, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { startNode, type TestNode } from "./node";

let node: TestNode;

beforeAll(async () => {
  node = await startNode([authService, userService]);
});
afterAll(() => node.stop());

const refresh = (refreshToken: string) => node.as<Account>({}, "auth.refresh", { refreshToken });
const refused = (type: string) => expect.objectContaining({ code: 401, type });

test("a refresh answers another pair of the same session", async () => {
  const account = await register(node);
  const next = await refresh(account.refreshToken);
  expect(next.user).toEqual(account.user);
  expect(next.refreshToken).not.toBe(account.refreshToken);
  expect(claimsOf(next).sid).toBe(claimsOf(account).sid);
});

test("twenty refreshes at once with one token all work, and so does every pair they answered", async () => {
  const { refreshToken } = await register(node);
  const first = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken)));
  expect(new Set(first.map((pair) => pair.refreshToken)).size).toBe(20);
  const second = await Promise.all(first.map((pair) => refresh(pair.refreshToken)));
  pass(31_000);
  await Promise.all(second.map((pair) => refresh(pair.refreshToken)));
});

test("the pair that a slower tab was given works long after the faster tab went on", async () => {
  const { refreshToken } = await register(node);
  const [fast, slow] = [await refresh(refreshToken), await refresh(refreshToken)];
  const faster = await refresh(fast.refreshToken);
  pass(3_600_000);
  await refresh(faster.refreshToken);
  pass(3_600_000);
  await expect(refresh(slow.refreshToken)).resolves.toBeDefined();
});

test("within half a minute a used token works even when its successors were used too", async () => {
  const { refreshToken } = await register(node);
  const second = await refresh(refreshToken);
  await refresh(second.refreshToken);
  pass(25_000);
  await expect(refresh(refreshToken)).resolves.toBeDefined();
});

test("a token used after half a minute ends its session, whoever holds what of it", async () => {
  const account = await register(node);
  const heirs = [await refresh(account.refreshToken), await refresh(account.refreshToken)];
  pass(30_100);
  await expect(refresh(account.refreshToken)).rejects.toEqual(refused("REFRESH_TOKEN_REUSED"));
  for (const heir of heirs) await expect(refresh(heir.refreshToken)).rejects.toEqual(refused("BAD_REFRESH_TOKEN"));
  const { items } = await node.call("auth.revocations", { since: "2020-01-01T00:00:00Z" });
  expect(items).toContainEqual(
    expect.objectContaining({ kind: "session", subject: claimsOf(account).sid, reason: "reuse" }),
  );
});

test("an old token is known as its session's after many rotations", async () => {
  const { refreshToken } = await register(node);
  let current = refreshToken;
  for (let rotation = 0; rotation < 5; rotation++) {
    current = (await refresh(current)).refreshToken;
    pass(60_000);
  }
  await expect(refresh(refreshToken)).rejects.toEqual(refused("REFRESH_TOKEN_REUSED"));
  await expect(refresh(current)).rejects.toEqual(refused("BAD_REFRESH_TOKEN"));
});

test("a made-up token of a known session ends nothing", async () => {
  const account = await register(node);
  const { sid } = claimsOf(account);
  const [, random, seal] = account.refreshToken.split(".");
  for (const forged of ["nonsense", `${sid}.${random}`, `${sid}.AAAA.${seal}`, `${sid}.${random}.${seal}.x`])
    await expect(refresh(forged)).rejects.toEqual(refused("BAD_REFRESH_TOKEN"));
  await expect(refresh(account.refreshToken)).resolves.toBeDefined();
});

test("a session goes on as long as it is used, and not for longer", async () => {
  const DAY_MS = 24 * 3_600_000;
  const { refreshToken } = await register(node);
  pass(29 * DAY_MS);
  const next = await refresh(refreshToken);
  pass(29 * DAY_MS);
  const last = await refresh(next.refreshToken);
  pass(31 * DAY_MS);
  await expect(refresh(last.refreshToken)).rejects.toEqual(refused("BAD_REFRESH_TOKEN"));
});

test("who is locked can neither refresh nor sign in, and is told so only with the right password", async () => {
  const admin = { id: "an-admin", roles: ["admin" as const], sid: "none" };
  const account = await register(node);
  const email = account.user.email ?? "";
  await node.as({ user: admin }, "user.change", { id: account.user.id, status: "locked" });
  await expect(refresh(account.refreshToken)).rejects.toEqual(refused("BAD_REFRESH_TOKEN"));
  const login = (password: string) => node.as<Account>(metaOf(account), "auth.login", { email, password });
  await expect(login("correct horse battery")).rejects.toMatchObject({ code: 403, type: "ACCOUNT_LOCKED" });
  await expect(login("wrong horse battery")).rejects.toMatchObject({ code: 401, type: "BAD_CREDENTIALS" });
  await node.as({ user: admin }, "user.change", { id: account.user.id, status: "active" });
  await expect(login("correct horse battery")).resolves.toMatchObject({ user: { status: "active" } });
});

test("who is locked cannot refresh even before the sessions have been ended", async () => {
  const forgetful = (broker: ServiceBroker): ServiceSchema => {
    const service = authService(broker);
    return { ...service, actions: { ...service.actions, endSessions: () => Promise.reject(new Error("away")) } };
  };
  const other = await startNode([forgetful, userService]);
  const { user, refreshToken } = await register(other);
  const admin = { user: { id: "an-admin", roles: ["admin" as const], sid: "none" } };
  await other.as(admin, "user.change", { id: user.id, status: "locked" });
  await expect(other.as({}, "auth.refresh", { refreshToken })).rejects.toEqual(refused("BAD_REFRESH_TOKEN"));
  await other.as(admin, "user.change", { id: user.id, status: "active" });
  await expect(other.as({}, "auth.refresh", { refreshToken })).resolves.toBeDefined();
  await other.stop();
});
