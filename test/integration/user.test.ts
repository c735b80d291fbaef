import type { Meta, Role } from "../../lib/actions";
import { newId } from "../../lib/ids";
import authService from "../../services/auth/auth.service";
import type { UserView } from "../../services/user/user.contract";
import userService from "../../services/user/user.service";
import { startNode, type TestNode } from "./node";

let node: TestNode;

beforeAll(async () => {
  node = await startNode([authService, userService]);
});
afterAll(() => node.stop());

const as = (id: string, ...roles: Role[]): Meta => ({ user: { id, roles, sid: "a-session" } });
const admin = as("an-admin", "admin");
const create = (name = "Someone", email: string | null = `${newId()}@example.org`) =>
  node.call("user.create", { id: newId(), email, name });

test("a user made again under the same id is the user there is, and an email has one user", async () => {
  const user = await create();
  expect(user).toMatchObject({ emailVerified: false, roles: ["customer"], status: "active" });
  const again = { id: user.id, email: user.email, name: "Another" };
  expect(await node.call("user.create", again)).toEqual(user);
  await expect(create("Thief", user.email?.toUpperCase())).rejects.toMatchObject({ code: 409, type: "EMAIL_TAKEN" });
});

test("users without an email stand beside each other", async () => {
  const users = [await create("One", null), await create("Two", null)];
  expect(users.map(({ email }) => email)).toEqual([null, null]);
});

test("one reads and renames oneself", async () => {
  const user = await create();
  expect(await node.as(as(user.id), "user.me")).toEqual(user);
  const renamed = { ...user, name: "김민지" };
  expect(await node.as(as(user.id), "user.changeMe", { name: " 김민지 " })).toEqual(renamed);
  expect(await node.call("user.find", { id: user.id })).toEqual(renamed);
  expect(await node.as(as(user.id), "user.changeMe", {})).toEqual(renamed);
});

test.each([[""], ["  "], ["a\u202Eb"], ["a\nb"], ["x".repeat(101)]])("%j is no name", async (name) => {
  const user = await create();
  await expect(node.as(as(user.id), "user.changeMe", { name })).rejects.toMatchObject({
    code: 422,
    data: { errors: [{ path: "name" }] },
  });
});

test("admins page through users, newest first, while more are made", async () => {
  const made = [await create(), await create(), await create(), await create()].map(({ id }) => id);
  const page = (cursor?: string) =>
    node.as<{ items: UserView[]; nextCursor: string | null }>(admin, "user.list", {
      limit: 2,
      ...(cursor && { cursor }),
    });
  const first = await page();
  await create();
  const second = await page(first.nextCursor ?? "");
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.toReversed());
  await expect(page("nonsense")).rejects.toMatchObject({ code: 422 });
});

test("admins find a user by email and by id", async () => {
  const user = await create();
  const found = await node.as(admin, "user.list", { email: user.email?.toUpperCase() });
  expect(found).toEqual({ items: [user], nextCursor: null });
  expect(await node.as(admin, "user.get", { id: user.id })).toEqual(user);
  await expect(node.as(admin, "user.get", { id: "nobody" })).rejects.toMatchObject({
    code: 404,
    type: "USER_NOT_FOUND",
  });
});

test("admins give roles and lock others, not themselves", async () => {
  const user = await create();
  const change = (meta: Meta, params: object) => node.as(meta, "user.change", { id: user.id, ...params });
  expect(await change(admin, { roles: ["agent", "admin"] })).toMatchObject({ roles: ["agent", "admin"] });
  expect(await change(admin, { status: "locked" })).toMatchObject({ status: "locked", roles: ["agent", "admin"] });
  expect(await change(admin, { status: "active" })).toMatchObject({ status: "active" });
  const own = as(user.id, "admin");
  for (const params of [{ status: "locked" }, { roles: ["customer"] }])
    await expect(change(own, params)).rejects.toMatchObject({ code: 409, type: "OWN_ACCOUNT" });
  await expect(change(own, { roles: ["admin"] })).resolves.toBeDefined();
  for (const params of [{ roles: [] }, { roles: ["root"] }, { roles: ["admin", "admin"] }, { status: "erased" }])
    await expect(change(admin, params)).rejects.toMatchObject({ code: 422 });
});

test("who may call what is declared", () => {
  const actions = node.broker.registry.getActionList({ onlyLocal: true, skipInternal: true }) as unknown as {
    name: string;
    action: { visibility: string; rest?: string; access?: unknown };
  }[];
  const reachable = actions.filter(({ action }) => action.rest).map(({ name, action }) => [name, action.access]);
  const adminOnly = reachable.filter(([, access]) => Array.isArray(access)).map(([name]) => name);
  expect(adminOnly.sort()).toEqual(["user.change", "user.get", "user.list"]);
  const anyone = reachable.filter(([, access]) => access === "anyone").map(([name]) => name);
  expect(anyone.sort()).toEqual([
    "auth.comeBack",
    "auth.exchange",
    "auth.forgotPassword",
    "auth.login",
    "auth.providers",
    "auth.refresh",
    "auth.register",
    "auth.resetPassword",
    "auth.showSecondFactor",
    "auth.signInWith",
    "auth.verifyEmail",
  ]);
  const internal = actions.filter(({ action }) => action.visibility === "public").map(({ name }) => name);
  expect(internal).toEqual(
    expect.arrayContaining(["auth.endSessions", "auth.erase", "auth.renewClaims", "user.create", "user.find"]),
  );
});
