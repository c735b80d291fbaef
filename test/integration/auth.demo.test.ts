import authService from "../../services/auth/auth.service";
import { seedDemoAccounts } from "../../services/auth/demo";
import userService from "../../services/user/user.service";
import { type Account, register } from "./auth.accounts";
import { withAuthStore } from "./auth.parts";
import { eventually, startNode } from "./node";

const login = { password: "demo-password-1234" };

test.each(["customer", "agent", "admin"])("an empty store gets a demo %s", async (role) => {
  const node = await startNode([authService, userService], { DEMO_DATA: "on" });
  const { user } = await node.as<Account>({}, "auth.login", { ...login, email: `${role}@example.com` });
  expect(user).toMatchObject({ email: `${role}@example.com`, roles: [role] });
  await eventually(async () => {
    const { items } = await node.as<{ items: unknown[] }>({}, "user.list", { limit: 10 });
    return items.length === 3;
  });
  await node.stop();
});

test("demo accounts are made once by nodes that start at once, and completed after a crash", async () => {
  const dataDir = await withAuthStore(async ({ credentials }) => {
    await credentials.collection.insert({
      _id: "00000000-0000-7000-8000-000000000001",
      state: "erased",
      epoch: 1,
      createdAt: "",
    });
    await Promise.all(Array.from({ length: 5 }, () => seedDemoAccounts(credentials)));
    expect(await credentials.collection.count({})).toBe(3);
  });
  const node = await startNode([authService, userService], { DATA_DIR: dataDir });
  await expect(node.as({}, "auth.login", { ...login, email: "agent@example.com" })).resolves.toBeDefined();
  await node.stop();
});

test("a store with an account of its own gets none", async () => {
  const node = await startNode([authService, userService]);
  await register(node);
  await node.broker.stop();
  const again = await startNode([authService, userService], { DATA_DIR: node.dataDir, DEMO_DATA: "on" });
  await expect(again.as({}, "auth.login", { ...login, email: "admin@example.com" })).rejects.toMatchObject({
    code: 401,
  });
  await again.stop();
});
