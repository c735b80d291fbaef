import type { ServiceBroker, ServiceSchema } from "moleculer";
import { NedbStore } from "../../lib/store/nedb";
import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { userStore } from "../../services/user/user.store";
import { claimsOf, metaOf, PASSWORD, register } from "./auth.accounts";
import { eventually, startNode, type TestNode } from "./node";

/** Stands for order, and for how often it was asked to forget whom. */
function orders({ away }: { away: boolean }) {
  const state = { away, asked: [] as string[] };
  const service = (_: ServiceBroker): ServiceSchema => ({
    name: "order",
    actions: {
      anonymise(ctx: { params: { customerId: string } }) {
        state.asked.push(ctx.params.customerId);
        if (state.away) throw new Error("away");
        return null;
      },
    },
  });
  return { state, service };
}

/** Stand for the others who forget whom they are told to. */
const others = ["chat", "notification"].map(
  (name) =>
    (_: ServiceBroker): ServiceSchema => ({ name, actions: { erase: () => null } }),
);

const LEASE = { LEASE_MS: "300" };
const admin = { user: { id: "an-admin", roles: ["admin" as const], sid: "" } };
let node: TestNode;

afterEach(() => node.stop());

test("who is erased is found nowhere, is signed out everywhere and leaves the address free", async () => {
  const { state, service } = orders({ away: false });
  node = await startNode([authService, userService, service, ...others]);
  const account = await register(node);
  const { id, email } = account.user;
  await expect(node.as(metaOf(account), "user.eraseMe")).resolves.toBeNull();
  expect(state.asked).toEqual([id]);
  for (const [action, params] of [
    ["user.find", { id }],
    ["user.get", { id }],
    ["user.me", {}],
    ["user.addresses", {}],
  ] as const)
    await expect(node.as(metaOf(account), action, params)).rejects.toMatchObject({ code: 404, type: "USER_NOT_FOUND" });
  expect(await node.as(admin, "user.list", { limit: 100 })).toEqual({ items: [], nextCursor: null });
  await expect(node.as({}, "auth.refresh", { refreshToken: account.refreshToken })).rejects.toMatchObject({
    code: 401,
  });
  await expect(node.as({}, "auth.login", { email, password: PASSWORD })).rejects.toMatchObject({ code: 401 });
  const { items } = await node.call("auth.revocations", { since: "2020-01-01T00:00:00Z" });
  expect(items.map(({ subject }) => subject).sort()).toEqual([id, claimsOf(account).sid].sort());
  const again = await register(node, { email: email ?? "" });
  expect(again.user.id).not.toBe(id);
});

test("erasure is answered while order is away and finished when it is back", async () => {
  const { state, service } = orders({ away: true });
  node = await startNode([authService, userService, service, ...others], LEASE);
  const account = await register(node);
  await expect(node.as(metaOf(account), "user.eraseMe")).resolves.toBeNull();
  await eventually(() => state.asked.length >= 2);
  state.away = false;
  const asked = state.asked.length;
  await eventually(() => state.asked.length > asked);
  await node.broker.stop();
  const { users } = userStore(new NedbStore(node.dataDir), 0);
  await users.open();
  const left = await users.get(account.user.id);
  await users.close();
  expect(left).toEqual({ ...left, name: "", addresses: [], status: "erased" });
  for (const field of ["email", "followUp", "due"]) expect(left).not.toHaveProperty(field);
});

test("who is locked is signed out once while chat is away, which is asked until it knows", async () => {
  const state = { away: true, asked: [] as string[] };
  const chat = (_: ServiceBroker): ServiceSchema => ({
    name: "chat",
    actions: {
      retire(ctx: { params: { userId: string } }) {
        state.asked.push(ctx.params.userId);
        if (state.away) throw new Error("away");
        return null;
      },
    },
  });
  node = await startNode([authService, userService, chat], LEASE);
  const { user } = await register(node);
  const revoked = async () =>
    (await node.call("auth.revocations", { since: "2020-01-01T00:00:00Z" })).items.filter(
      ({ kind }) => kind === "user",
    );
  await node.as(admin, "user.change", { id: user.id, status: "locked" });
  const [once] = await revoked();
  expect(once).toMatchObject({ subject: user.id, reason: "locked" });
  await eventually(() => state.asked.length >= 3);
  expect(await revoked()).toEqual([once]);
  state.away = false;
  const asked = state.asked.length;
  await eventually(() => state.asked.length > asked);
  expect(new Set(state.asked)).toEqual(new Set([user.id]));
  await node.broker.stop();
  const { users } = userStore(new NedbStore(node.dataDir), 0);
  await users.open();
  const left = await users.get(user.id);
  await users.close();
  expect(left).toMatchObject({ status: "locked" });
  for (const field of ["followUp", "due"]) expect(left).not.toHaveProperty(field);
});

test.each([
  [{ status: "locked" }, "locked"],
  [{ roles: ["agent"] }, undefined],
])("%j ends tokens also when auth was away at the time", async (change, reason) => {
  const whole = await startNode([authService, userService]);
  const account = await register(whole);
  await whole.broker.stop();
  node = await startNode([userService], { ...LEASE, DATA_DIR: whole.dataDir });
  const changed = await node.as(admin, "user.change", { id: account.user.id, ...change });
  expect(changed).toMatchObject(change);
  await node.broker.stop();
  node = await startNode([authService, userService], { ...LEASE, DATA_DIR: whole.dataDir });
  const revoked = await eventually(async () => {
    const { items } = await node.call("auth.revocations", { since: "2020-01-01T00:00:00Z" });
    return items.find(({ kind }) => kind === "user");
  });
  expect(revoked).toMatchObject({ subject: account.user.id });
  expect(revoked.reason).toBe(reason);
});
