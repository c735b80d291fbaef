import authService from "../../services/auth/auth.service";
import userService from "../../services/user/user.service";
import { type Account, metaOf, newEmail, PASSWORD, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { startNode, type TestNode } from "./node";

let node: TestNode;

beforeEach(async () => {
  node = await startNode([authService, userService]);
});
afterEach(() => node.stop());

const login = (email: string, password: string, clientIp: string) =>
  node.as<Account>({ clientIp }, "auth.login", { email, password });

/** What so many attempts at once answer, as code and count. */
async function tryAtOnce(times: number, attempt: () => Promise<unknown>): Promise<Record<string, number>> {
  const results = await Promise.allSettled(Array.from({ length: times }, attempt));
  const counts: Record<string, number> = {};
  for (const result of results) {
    const type: string = result.status === "fulfilled" ? "ok" : result.reason.type;
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

test("ten failures close the pair of account and address for a quarter of an hour, and no other", async () => {
  const { user } = await register(node);
  const email = user.email ?? "";
  const counts = await tryAtOnce(30, () => login(email, "a wrong password", "192.0.2.1"));
  expect(counts).toEqual({ BAD_CREDENTIALS: 10, TOO_MANY_ATTEMPTS: 20 });
  const refusal = await login(email, PASSWORD, "192.0.2.1").catch((error: { data: { retryAfter: number } }) => error);
  expect(refusal).toMatchObject({ code: 429, type: "TOO_MANY_ATTEMPTS" });
  expect((refusal as { data: { retryAfter: number } }).data.retryAfter).toBeGreaterThan(800);
  await expect(login(email, PASSWORD, "192.0.2.2")).resolves.toBeDefined();
  pass(15 * 60_000);
  await expect(login(email, PASSWORD, "192.0.2.1")).resolves.toBeDefined();
});

test("right passwords count for nothing, however many sign in at once", async () => {
  const { user } = await register(node);
  expect(await tryAtOnce(50, () => login(user.email ?? "", PASSWORD, "192.0.2.1"))).toEqual({ ok: 50 });
});

test("attempts at an address without an account are counted alike", async () => {
  const email = newEmail();
  const counts = await tryAtOnce(11, () => login(email, "a wrong password", "192.0.2.1"));
  expect(counts).toEqual({ BAD_CREDENTIALS: 10, TOO_MANY_ATTEMPTS: 1 });
});

test("failures are remembered over a restart", async () => {
  const { user } = await register(node);
  await tryAtOnce(10, () => login(user.email ?? "", "a wrong password", "192.0.2.1"));
  const { dataDir } = node;
  const environment = { DATA_DIR: dataDir };
  await node.broker.stop();
  const again = await startNode([authService, userService], environment);
  await expect(
    again.as({ clientIp: "192.0.2.1" }, "auth.login", { email: user.email, password: PASSWORD }),
  ).rejects.toMatchObject({ type: "TOO_MANY_ATTEMPTS" });
  await again.stop();
});

test("one household's IPv6 addresses are one", async () => {
  const { user } = await register(node);
  let host = 0;
  const counts = await tryAtOnce(12, () => login(user.email ?? "", "a wrong password", `2001:db8:1:2::${++host}`));
  expect(counts).toEqual({ BAD_CREDENTIALS: 10, TOO_MANY_ATTEMPTS: 2 });
  await expect(login(user.email ?? "", PASSWORD, "2001:db8:1:3::1")).resolves.toBeDefined();
});

test("guesses at the current password are counted, apart from those at the login", async () => {
  const account = await register(node);
  const guess = () =>
    node.as(metaOf(account), "auth.changePassword", {
      currentPassword: "a wrong one",
      newPassword: "another password",
    });
  expect(await tryAtOnce(12, guess)).toEqual({ WRONG_PASSWORD: 10, TOO_MANY_ATTEMPTS: 2 });
  await expect(login(account.user.email ?? "", PASSWORD, "192.0.2.1")).resolves.toBeDefined();
});
