import { nodeOf } from "../../lib/node";
import configService from "../../services/config/config.service";
import type { AccountMail } from "../../services/notification/notification.contract";
import { type Account, claimsOf, newEmail, PASSWORD } from "./auth.accounts";
import { pass } from "./auth.clock";
import { appFor, mailbox, STEP_MS } from "./auth.second-factor.parts";
import { eventually } from "./node";
import { call, connected, type Gateway, open, refusedWith, startWith } from "./sockets.parts";

type Operation = { security?: object[]; responses: Record<string, { description: string }> };
interface Answer {
  status: number;
  code?: string;
  mfaToken?: string;
}

const DEMO = "demo-password-1234";
const MUST_ENROL = { status: 403, code: "MFA_ENROLMENT_REQUIRED" };
const ENROLLING = ["GET /auth/mfa", "POST /auth/mfa/totp", "POST /auth/mfa/totp/confirm", "POST /auth/logout"];
const mails: AccountMail[] = [];
let shop: Gateway;
let operator: Account;
beforeAll(async () => {
  shop = await startWith([mailbox(mails), configService], { DEMO_DATA: "on" });
});
afterAll(() => shop.stop());

async function ask<T = Answer>(method: string, path: string, { token = "", body = undefined as unknown } = {}) {
  const answer = await fetch(`${shop.url}/api/v1${path}`, {
    method,
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, ...(text && JSON.parse(text)) } as T & { status: number };
}

const login = (email = "admin@example.com", password = DEMO) =>
  ask<Account & Answer>("POST", "/auth/login", { body: { email, password } });
const refresh = ({ refreshToken }: Account) => ask<Account>("POST", "/auth/refresh", { body: { refreshToken } });
const nodes = ({ accessToken: token }: Account) => ask("GET", "/ops/nodes", { token });

/** By an admin who was signed in before; live without a restart. */
async function require(...roles: string[]): Promise<void> {
  const { version } = await shop.as<{ version: number }>(
    { user: { id: operator.user.id, roles: ["admin"], sid: "s" } },
    "config.put",
    { application: "auth", profile: "default", properties: { "auth.mfa.requiredRoles": roles } },
  );
  await eventually(() => nodeOf(shop.broker).config.version === version);
}

beforeEach(async () => {
  operator = await eventually(async () => {
    const answer = await login();
    return answer.status === 200 && answer;
  });
});
afterEach(async () => {
  await require();
  await shop.call("auth.resetSecondFactor", { userId: operator.user.id, operator: "test", reason: "over" });
});

async function enrol(account: Account) {
  const token = account.accessToken;
  const { secret } = await ask<{ secret: string }>("POST", "/auth/mfa/totp", { token });
  const app = appFor(secret);
  const confirmed = await ask("POST", "/auth/mfa/totp/confirm", { token, body: { code: app.now() } });
  expect(confirmed).toMatchObject({ status: 200, recoveryCodes: { length: 10 } });
  return app;
}

test("a role that needs a second factor gets a token that does nothing but set one up", async () => {
  expect(await nodes(operator)).toMatchObject({ status: 200 });
  await require("admin");
  const restricted = await login();
  expect(restricted).toMatchObject({ status: 200, mfaEnrolmentRequired: true, user: { roles: ["admin"] } });
  expect(claimsOf(restricted)).toMatchObject({ roles: [], scope: "enrol" });
  const token = restricted.accessToken;

  const { paths } = await ask<{ paths: Record<string, Record<string, Operation>> }>("GET", "/openapi.json");
  const guarded = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { security = [] }]) =>
      security.length > 0 ? [{ method: method.toUpperCase(), path: path.replace("/api/v1", "") }] : [],
    ),
  );
  expect(guarded.length).toBeGreaterThan(25);
  const letIn: string[] = [];
  for (const { method, path } of guarded) {
    const body = method === "GET" ? undefined : {};
    const { status, code } = await ask(method, path.replaceAll(/\{\w+\}/g, "x"), { token, body });
    if (status !== 403 || code !== MUST_ENROL.code) letIn.push(`${method} ${path}`);
  }
  expect(letIn.toSorted()).toEqual(ENROLLING.toSorted());
  // What anybody may ask they may, too; a stream's ticket in the query is no way around the token.
  expect(await ask("GET", "/openapi.json", { token })).toMatchObject({ status: 200 });
  expect(await ask("GET", "/stream?ticket=x", { token })).toMatchObject(MUST_ENROL);
  expect(await refusedWith(open(shop.url, token))).toBe(MUST_ENROL.code);
});

test("it signs out and is refreshed to another such one", async () => {
  await require("admin");
  const again = await refresh(await login());
  expect(again).toMatchObject({ status: 200, mfaEnrolmentRequired: true });
  expect(await nodes(again)).toMatchObject(MUST_ENROL);
  const { accessToken: token, refreshToken } = again;
  expect(await ask("POST", "/auth/logout", { token, body: { refreshToken } })).toMatchObject({ status: 204 });
  expect(await refresh(again)).toMatchObject({ status: 401 });
});

test("who sets it up goes on in that session, and in no other that has not shown it", async () => {
  await require("admin");
  const [mine, earlier] = [await login(), await login()];
  const app = await enrol(mine);
  expect(await nodes(mine)).toMatchObject(MUST_ENROL);
  const full = await refresh(mine);
  expect(full).not.toHaveProperty("mfaEnrolmentRequired");
  expect(await nodes(full)).toMatchObject({ status: 200 });
  // Somebody else's, perhaps: it neither goes on nor sets up another one.
  const stuck = await refresh(earlier);
  expect(stuck).toMatchObject({ mfaEnrolmentRequired: true });
  expect(await nodes(stuck)).toMatchObject(MUST_ENROL);
  const { accessToken: token } = stuck;
  expect(await ask("POST", "/auth/mfa/totp", { token })).toMatchObject({ status: 409, code: "MFA_ALREADY_ENABLED" });
  pass(STEP_MS);
  const { status, code, mfaToken } = await login();
  expect([status, code]).toEqual([401, "MFA_REQUIRED"]);
  const shown = await ask<Account>("POST", "/auth/mfa", { body: { mfaToken, code: app.now() } });
  expect(await nodes(shown)).toMatchObject({ status: 200 });
  expect(await nodes(await refresh(shown))).toMatchObject({ status: 200 });
});

test("the requirement holds for sessions of before with their next token, and for sockets", async () => {
  const client = await connected(open(shop.url, operator.accessToken));
  await require("admin");
  const { accessToken: token } = await refresh(operator);
  await expect(call(client, "auth.refresh", { token })).rejects.toMatchObject(MUST_ENROL);
  expect(await ask("GET", "/auth/mfa", { token })).toMatchObject({ enabled: false, required: true });
  await require();
  const free = await refresh(await login());
  expect(await nodes(free)).toMatchObject({ status: 200 });
  expect(await ask("GET", "/auth/mfa", { token: free.accessToken })).toMatchObject({ required: false });
});

test("who takes it away while the role needs it has to set it up again", async () => {
  await require("admin");
  const mine = await login();
  await enrol(mine);
  const full = await refresh(mine);
  const removal = (body?: object) => ask("DELETE", "/auth/mfa/totp", { token: full.accessToken, body });
  expect(await removal()).toMatchObject({ status: 422, code: "VALIDATION" });
  expect(await removal({ password: "not the password" })).toMatchObject({ status: 403, code: "WRONG_PASSWORD" });
  expect(await removal({ password: DEMO })).toMatchObject({ status: 204 });
  await eventually(async () => (await nodes(full)).status === 401);
  expect(await refresh(full)).toMatchObject({ mfaEnrolmentRequired: true });
  expect(await login()).toMatchObject({ status: 200, mfaEnrolmentRequired: true });
});

test("who registers into a role that needs it sets it up first", async () => {
  await require("customer");
  const body = { email: newEmail(), password: PASSWORD, name: "Kim" };
  const account = await ask<Account>("POST", "/auth/register", { body });
  expect(account).toMatchObject({ status: 201, mfaEnrolmentRequired: true, user: { roles: ["customer"] } });
  expect(await ask("GET", "/users/me", { token: account.accessToken })).toMatchObject(MUST_ENROL);
  await enrol(account);
  const { accessToken: token } = await refresh(account);
  expect(await ask("GET", "/users/me", { token })).toMatchObject({ id: account.user.id });
});

test("the second half of a sign-in says what it refuses, over HTTP and in OpenAPI", async () => {
  const body = { mfaToken: "x", code: "123456" };
  expect(await ask("POST", "/auth/mfa", { body })).toMatchObject({ status: 401, code: "BAD_TOKEN" });
  expect(await ask("POST", "/auth/mfa", { body: { ...body, more: 1 } })).toMatchObject({ status: 422 });
  const { paths } = await ask<{ paths: Record<string, Record<string, Operation>> }>("GET", "/openapi.json");
  const answers = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      path.includes("/auth/mfa") ? [`${method} ${path}: ${Object.keys(responses).join(" ")}`] : [],
    ),
  );
  expect(answers).toHaveLength(6);
  const login = JSON.stringify(paths["/auth/login"] ?? paths["/api/v1/auth/login"]);
  expect(login).toContain("MFA_REQUIRED");
});

test("OpenAPI says which calls a role that needs a second factor is refused, and how a token or a body is", async () => {
  const { paths } = await ask<{ paths: Record<string, Record<string, Operation>> }>("GET", "/openapi.json");
  const letIn: string[] = [];
  for (const [path, operations] of Object.entries(paths))
    for (const [method, { security = [], responses }] of Object.entries(operations)) {
      if (security.length === 0) continue;
      expect(responses[401]?.description).toContain("`TOKEN_REVOKED`");
      if (!responses[403]?.description.includes(MUST_ENROL.code)) letIn.push(`${method.toUpperCase()} ${path}`);
    }
  expect(letIn.toSorted()).toEqual(ENROLLING.toSorted());
  expect(paths["/auth/mfa/totp"]?.delete?.responses[400]?.description).toBe("`MALFORMED_JSON`");
  expect(paths["/auth/sessions/{id}"]?.delete?.responses).not.toHaveProperty("400");
});
