import { createPublicKey } from "node:crypto";
import { hash } from "@node-rs/argon2";
import { decode, verify } from "jsonwebtoken";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import authService from "../../services/auth/auth.service";
import { Passwords } from "../../services/auth/passwords/passwords";
import userService from "../../services/user/user.service";
import { type Account, claimsOf, newEmail, PASSWORD, register } from "./auth.accounts";
import { pass } from "./auth.clock";
import { withAuthStore } from "./auth.parts";
import { startNode, type TestNode } from "./node";

let node: TestNode;

beforeAll(async () => {
  node = await startNode([authService, userService]);
});
afterAll(() => node.stop());

const loginOn = (on: TestNode, email: string, password: string) =>
  on.as<Account>({ clientIp: "192.0.2.1" }, "auth.login", { email, password });
const login = (email: string, password = PASSWORD) => loginOn(node, email, password);
const refused = (code: number, type: string) => expect.objectContaining({ code, type });

test("who registers is signed in, and can sign in again", async () => {
  const email = newEmail();
  const registered = await register(node, { email: email.toUpperCase(), name: " Kim " });
  expect(registered).toMatchObject({ tokenType: "Bearer", expiresIn: 900 });
  expect(registered.user).toMatchObject({ email, name: "Kim", roles: ["customer"], status: "active" });
  expect((await login(email)).user).toEqual(registered.user);
});

test("an access token is verified by the published key and says who, for what and until when", async () => {
  const account = await register(node);
  const { keys } = await node.call("auth.jwks", {});
  const header = decode(account.accessToken, { complete: true })?.header;
  const jwk = keys.find(({ kid }) => kid === header?.kid);
  expect(header).toMatchObject({ alg: "ES256" });
  expect(jwk).not.toHaveProperty("d");
  const key = createPublicKey({ key: jwk ?? {}, format: "jwk" });
  verify(account.accessToken, key, { algorithms: ["ES256"], issuer: "shop", audience: "shop" });
  const claims = claimsOf(account);
  expect(claims).toMatchObject({ sub: account.user.id, roles: ["customer"] });
  expect(claims.exp - claims.iat).toBe(900);
  // Strict JWT libraries take whole seconds only.
  expect([claims.iat, claims.exp].every(Number.isInteger)).toBe(true);
  expect(claims.iat).toBe(Math.floor(claims.iat_ms / 1000));
  expect(claims.jti).not.toBe(claimsOf(await login(account.user.email ?? "")).jti);
});

test("an address is taken once, however it is written and however many ask at once", async () => {
  const email = newEmail();
  const results = await Promise.allSettled(
    [email, email.toUpperCase(), email].map((e) => register(node, { email: e })),
  );
  const lost = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
  expect(lost).toEqual([refused(409, "EMAIL_TAKEN"), refused(409, "EMAIL_TAKEN")]);
});

test("a wrong password and an unknown email are refused in the same words", async () => {
  const { user } = await register(node);
  const answers = await Promise.all(
    [user.email ?? "", newEmail()].map((email) => login(email, "not the password").catch((error: Error) => error)),
  );
  expect(answers[0]).toEqual(refused(401, "BAD_CREDENTIALS"));
  expect(answers[0]).toMatchObject({ message: (answers[1] as Error).message, type: "BAD_CREDENTIALS" });
});

test.each([
  ["123456789", "VALIDATION"],
  ["x".repeat(129), "VALIDATION"],
  ["aaaaaaaaaaaa", "WEAK_PASSWORD"],
  ["Password123", "WEAK_PASSWORD"],
])("%s is no password", async (password, type) => {
  await expect(register(node, { password })).rejects.toMatchObject({
    code: 422,
    type,
    data: { errors: [{ path: "password" }] },
  });
});

test("a password is the same however its characters are composed", async () => {
  const { user } = await register(node, { password: "caf\u00e9 au lait \uff11" });
  await expect(login(user.email ?? "", "cafe\u0301 au lait 1")).resolves.toBeDefined();
});

test.each([
  { email: "no address", path: "email" },
  { name: "   ", path: "name" },
  { name: "a\u0000b", path: "name" },
])("$path is checked", async ({ path, ...wrong }) => {
  await expect(register(node, wrong)).rejects.toMatchObject({ type: "VALIDATION", data: { errors: [{ path }] } });
});

describe("a registration whose node died before the user was made", () => {
  const email = "halfway@example.org";
  let half: TestNode;

  beforeEach(async () => {
    const made = await new Passwords().hash(PASSWORD);
    const dataDir = await withAuthStore(async ({ credentials }) => {
      await credentials.claim({ email, hash: made, name: "Halfway" });
    });
    half = await startNode([authService, userService], { DATA_DIR: dataDir });
  });
  afterEach(() => half.stop());

  test("is completed by signing in", async () => {
    await expect(loginOn(half, email, "another password")).rejects.toEqual(refused(401, "BAD_CREDENTIALS"));
    const { user } = await loginOn(half, email, PASSWORD);
    expect(user).toMatchObject({ email, name: "Halfway" });
    await expect(register(half, { email })).rejects.toEqual(refused(409, "EMAIL_TAKEN"));
  });

  test("holds its address for half a minute and then for nobody", async () => {
    await expect(register(half, { email })).rejects.toEqual(refused(409, "EMAIL_TAKEN"));
    pass(31_000);
    const { user } = await register(half, { email, password: "a password of my own" });
    expect(await half.call("user.find", { id: user.id })).toMatchObject({ email });
    await expect(loginOn(half, email, PASSWORD)).rejects.toEqual(refused(401, "BAD_CREDENTIALS"));
    await expect(loginOn(half, email, "a password of my own")).resolves.toBeDefined();
  });

  test("is taken over also where the user had been made", async () => {
    const { user } = await loginOn(half, email, PASSWORD);
    await half.stop();
    await withAuthStore(async ({ credentials }) => {
      const claim = { id: "dead", at: "2020-01-01T00:00:00.000Z", name: "Halfway" };
      await credentials.collection.update({ _id: user.id }, { $set: { state: "pending", claim } });
    }, half.dataDir);
    half = await startNode([authService, userService], { DATA_DIR: half.dataDir });
    expect((await register(half, { email, password: "a password of my own" })).user.id).toBe(user.id);
  });
});

test("a registration that failed frees its address at once", async () => {
  let away = true;
  const unsteady = (broker: ServiceBroker): ServiceSchema => {
    const service = userService(broker);
    const { create, find } = service.actions as Record<string, { handler: (ctx: unknown) => unknown }>;
    const fails = {
      ...create,
      handler(ctx: unknown) {
        if (away) throw new Error("no answer");
        return create?.handler(ctx);
      },
    };
    return { ...service, actions: { create: fails, find } } as unknown as ServiceSchema;
  };
  const other = await startNode([authService, unsteady]);
  const email = newEmail();
  await expect(register(other, { email })).rejects.toThrow("no answer");
  away = false;
  await expect(register(other, { email })).resolves.toMatchObject({ user: { email } });
  await other.stop();
});

test("a hash of other parameters is replaced when its password is used", async () => {
  const email = newEmail();
  const weak = await hash(PASSWORD, { algorithm: 2, memoryCost: 4096, timeCost: 1, parallelism: 1 });
  const dataDir = await withAuthStore(async ({ credentials }) => {
    await credentials.claim({ email, hash: weak, name: "Old" });
  });
  const other = await startNode([authService, userService], { DATA_DIR: dataDir });
  await loginOn(other, email, PASSWORD);
  await loginOn(other, email, PASSWORD);
  await other.stop();
  await withAuthStore(async ({ credentials }) => {
    const stored = await credentials.byEmail(email);
    expect(stored?.hash).toContain("m=19456,t=2,p=1");
  }, dataDir);
});
