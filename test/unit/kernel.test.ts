import { developmentKey } from "../../lib/config/cipher";
import { decodeCursor, encodeCursor, toPage } from "../../lib/cursor";
import { EnvironmentError, readEnvironment } from "../../lib/environment";
import { DEVELOPMENT_SECRET } from "../../lib/environment-reader";
import { ShopError } from "../../lib/errors";
import { Health } from "../../lib/health";
import { redact, withoutPersonal } from "../../lib/redact";
import { countsAsFailure } from "../../mixins/errors";
import { isFresh } from "../../services/api/conditional";
import { toProblem, toPublicError } from "../../services/api/problem";
import { clientAddress, requestIdOf } from "../../services/api/request";

describe("the environment", () => {
  it("needs nothing to be set", () => {
    expect(readEnvironment({})).toMatchObject({ port: 3000, opsPort: 3001, drainMs: 1000, demoData: true });
    expect(readEnvironment({ PORT: "4000" }).payment.sandbox).toMatchObject({ port: 4002 });
  });

  it.each([
    [{ PORT: "x" }, "PORT"],
    [{ PORT: "70000" }, "PORT"],
    [{ NATS_URL: "http://x" }, "NATS_URL"],
    [{ PAYMENT_PROVIDER: "paypal" }, "PAYMENT_PROVIDER"],
    [{ LOG_LEVEL: "loud" }, "LOG_LEVEL"],
    [{ WEB_URL: "https://shop.example/base" }, "WEB_URL"],
    [{ WEB_URL: "https://shop.example?a" }, "WEB_URL"],
    [{ WEB_URL: "https://a:b@shop.example" }, "WEB_URL"],
    [{ WEB_URL: "https://" }, "WEB_URL"],
    [{ NODE_ENV: "production" }, "PAYMENT_PROVIDER"],
    [{ NODE_ENV: "production", PAYMENT_PROVIDER: "sandbox" }, "JWT_KEY_SECRET"],
    [{ NODE_ENV: "production", PAYMENT_PROVIDER: "sandbox" }, "SANDBOX_SECRET_KEY"],
    [{ NODE_ENV: "production", PAYMENT_PROVIDER: "toss", JWT_KEY_SECRET: "s".repeat(31) }, "JWT_KEY_SECRET"],
    [{ NODE_ENV: "production", PAYMENT_PROVIDER: "toss", JWT_KEY_SECRET: "s".repeat(32) }, "TOSS_SECRET_KEY"],
    [{ NODE_ENV: "production", PAYMENT_PROVIDER: "stripe", JWT_KEY_SECRET: "s".repeat(32) }, "STRIPE_SECRET_KEY"],
  ])("refuses %j, naming the variable", (source, variable) => {
    expect(() => readEnvironment(source)).toThrow(EnvironmentError);
    expect(() => readEnvironment(source)).toThrow(variable);
  });

  it.each([
    ["https://shop.example", "https://shop.example"],
    ["https://Shop.example:8443/", "https://shop.example:8443"],
    ["http://localhost:3000", "http://localhost:3000"],
  ])("takes the public origin of pages as browsers name it: %s", (given, origin) => {
    expect(readEnvironment({ WEB_URL: given }).webUrl).toBe(origin);
  });

  it("asks nodes for the secrets of what they host alone", () => {
    const node = (SERVICES: string, provider = "stripe") => ({
      NODE_ENV: "production",
      PAYMENT_PROVIDER: provider,
      SERVICES,
    });
    for (const provider of ["", "sandbox", "toss", "stripe"])
      expect(readEnvironment(node("order,api,config", provider)).services).toEqual(["order", "api", "config"]);
    expect(() => readEnvironment(node("order,auth"))).toThrow(/^JWT_KEY_SECRET is not set: [^;]*$/);
    const all = /^STRIPE_SECRET_KEY is not set: [^;]*; STRIPE_WEBHOOK_SECRET is not set: [^;]*$/;
    expect(() => readEnvironment(node("order,payment"))).toThrow(all);
    expect(() => readEnvironment(node("payment", "toss"))).toThrow(/^TOSS_SECRET_KEY is not set: [^;]*$/);
    expect(() => readEnvironment(node("payment", "sandbox"))).toThrow(/^SANDBOX_SECRET_KEY is not set: [^;]*$/);
    expect(() => readEnvironment(node("payment", ""))).toThrow(/^PAYMENT_PROVIDER is not set/);
  });

  it("names everything that is missing or wrong at once", () => {
    const wrong = { NODE_ENV: "production", PORT: "x", NATS_URL: "http://x", LOG_LEVEL: "loud" };
    const named = ["PORT", "NATS_URL", "LOG_LEVEL", "PAYMENT_PROVIDER", "JWT_KEY_SECRET", "SANDBOX_SECRET_KEY"];
    for (const name of named) expect(() => readEnvironment(wrong)).toThrow(new RegExp(`\\b${name} `));
  });

  it.each([
    ["JWT_KEY_SECRET", "development-only-secret-do-not-use-in-production"],
    ["SANDBOX_SECRET_KEY", "test_sk_sandbox"],
    ["CONFIG_KEYS", `a:${Buffer.alloc(32).toString("base64")}`],
    ["CONFIG_KEYS", "a:mqc6k8R1m2b0kq3Q4kYbq1n0uY2b8T2m1x5sR0c9wKI="],
    ["CONFIG_KEYS", `a:${developmentKey(DEVELOPMENT_SECRET).key.toString("base64")}`],
  ])("takes no %s in production that everybody knows", (variable, value) => {
    const secrets = { JWT_KEY_SECRET: "s".repeat(32), SANDBOX_SECRET_KEY: "s", [variable]: value };
    const production = { NODE_ENV: "production", PAYMENT_PROVIDER: "sandbox", ...secrets };
    expect(() => readEnvironment(production)).toThrow(new RegExp(`^${variable} [^;]* everybody knows`));
    expect(() => readEnvironment(production)).not.toThrow(value);
    expect(() => readEnvironment({ ...production, NODE_ENV: "development" })).not.toThrow();
  });

  it("has no demo data in production, whatever is asked", () => {
    const secrets = { JWT_KEY_SECRET: "s".repeat(32), SANDBOX_SECRET_KEY: "s" };
    const production = { NODE_ENV: "production", PAYMENT_PROVIDER: "sandbox", ...secrets };
    expect(readEnvironment({ ...production, DEMO_DATA: "on" }).demoData).toBe(false);
  });
});

describe("cursors", () => {
  it("carry the last row's keys", () => {
    expect(decodeCursor(encodeCursor([3, "a"]), 2)).toEqual([3, "a"]);
    expect(toPage([1, 2, 3], 2, (n) => [n])).toEqual({ items: [1, 2], nextCursor: encodeCursor([2]) });
    expect(toPage([1, 2], 2, (n) => [n]).nextCursor).toBeNull();
  });

  it.each(["", "x", encodeCursor([1]), Buffer.from('[{"$gt":""},1]').toString("base64url")])(
    "are refused where they are none: %s",
    (cursor) => expect(() => decodeCursor(cursor, 2)).toThrow(ShopError),
  );
});

describe("a log line", () => {
  it("has no secret and no card number, wherever they stand", () => {
    const line = redact({
      password: "p1",
      nested: {
        refreshToken: "t1",
        list: ["Bearer abcdefghijk", "card 4242 4242 4242 4242", "order 1234567890123456"],
      },
      err: new Error("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl"),
    });
    const text = JSON.stringify(line);
    for (const secret of ["p1", "t1", "abcdefghijk", "4242", "eyJhbGci"]) expect(text).not.toContain(secret);
    expect(text).toContain("order 1234567890123456");
  });

  it("has nothing that says who somebody is or where they live", () => {
    const address = {
      recipient: "Kim",
      phone: "01012345678",
      line1: "110 Sejong-daero",
      postalCode: "04524",
      city: "Seoul",
    };
    const line = redact({
      user: { email: "kim@example.com", name: "shown" },
      shippingAddress: address,
      addresses: [address],
      address: { line2: "5F" },
      bytes: Buffer.from("kim@example.com"),
      at: new Date(0),
    });
    expect(line).toEqual({
      user: { email: "[redacted]", name: "shown" },
      shippingAddress: "[redacted]",
      addresses: "[redacted]",
      address: "[redacted]",
      bytes: "[bytes]",
      at: new Date(0),
    });
  });

  it.each([
    ['E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "kim@example.com" }', "kim@"],
    ["Can't insert key kim@example.com, it violates the unique constraint", "kim@"],
    ["550 5.1.1 <kim@mail.example.com>: Recipient address rejected", "kim@"],
    ["getaddrinfo ENOTFOUND smtp://shop:hunter2@mail", "hunter2"],
    ["mongodb://shop:hunter2@10.0.0.1:27017/shop is away", "hunter2"],
    ['Unexpected token in JSON {"email":"a","password":"hunter2 \\" twice"} at 3', "hunter2"],
    ['cut off {"line1": "110 Sejong-dae', "Sejong"],
    ["{ recipient: 'Kim Chulsoo', line1: '110 Sejong-daero', sku: 'A-1' }", "Chulsoo"],
    ["GET /users?email=kim%40example.com", "kim%40"],
    ["https://api.example.com/v1 with Basic dGVzdF9za19zYW5kYm94Og==", "dGVzdF9"],
  ])("hides what an error of a library quotes: %.40s", (message, secret) => {
    expect(JSON.stringify(redact(Object.assign(new Error(message), { response: message })))).not.toContain(secret);
  });

  it("keeps what helps to find the cause", () => {
    const texts = [
      "connect ECONNREFUSED 127.0.0.1:27017",
      "sku: 'A-1', status: 'paid'",
      "order 261124-ABCDEFGH of 2026-11-24",
      "user 019a1f5e-6b2f-7a10-8000-000000000000 is away",
      "user 00000000-0000-4242-4242-424242424242",
    ];
    expect(texts.map((text) => redact(text))).toEqual(texts);
    expect(redact({ address: "127.0.0.1", syscall: "connect" })).toEqual({ address: "127.0.0.1", syscall: "connect" });
  });

  it("takes no longer for a long text than it has to", () => {
    const began = performance.now();
    redact("a".repeat(200_000));
    redact('"a":'.repeat(50_000));
    redact(`a: "${"b\\".repeat(50_000)}`);
    // Milliseconds; where it is looked at again from each of its characters, minutes.
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe("errors", () => {
  it("show nothing that is not known to be safe", () => {
    const hidden = toPublicError(Object.assign(new Error("db password is x"), { code: 500, type: "DB" }));
    expect(toProblem(hidden, "r1")).toMatchObject({ status: 500, code: "INTERNAL_ERROR", requestId: "r1" });
    expect(JSON.stringify(toProblem(hidden, "r1"))).not.toContain("db password");
  });

  it("open a circuit when the other side failed, also without a code", () => {
    const failures = [new Error("x"), new ShopError(503, "X", "x"), Object.assign(new Error("x"), { code: 504 })];
    expect(failures.map(countsAsFailure)).toEqual([true, true, true]);
    const refusals = [
      new ShopError(404, "X", "x"),
      new ShopError(402, "X", "x"),
      Object.assign(new Error(), { code: 422 }),
    ];
    expect(refusals.map(countsAsFailure)).toEqual([false, false, false]);
  });
});

describe("readiness", () => {
  const broken = () => Promise.reject(new Error("away"));
  const fine = () => Promise.resolve();
  it.each([
    ["starting", fine, "unavailable", []],
    ["running", fine, "ok", []],
    ["running", broken, "degraded", ["redis"]],
    ["draining", fine, "unavailable", []],
  ] as const)("%s with an optional part", async (state, probe, status, missing) => {
    const health = new Health();
    health.register("redis", { importance: "optional", probe });
    health.state = state;
    expect(await health.readiness()).toEqual({ status, missing });
  });

  it("is refused without a required part, also when it does not answer", async () => {
    const health = new Health();
    health.state = "running";
    health.register("mongo", { importance: "required", probe: () => new Promise(() => undefined) });
    expect(await health.readiness()).toEqual({ status: "unavailable", missing: ["mongo"] });
  });
});

describe("a request", () => {
  const from = (address: string, headers: Record<string, string> = {}) =>
    ({ headers, socket: { remoteAddress: address }, connection: { remoteAddress: address } }) as never;

  it("comes from where a trusted proxy says, and nobody else", () => {
    const forwarded = { "x-forwarded-for": "6.6.6.6, 9.9.9.9" };
    expect(clientAddress([])(from("1.1.1.1", forwarded))).toBe("1.1.1.1");
    expect(clientAddress(["1.1.1.1"])(from("1.1.1.1", forwarded))).toBe("9.9.9.9");
    expect(clientAddress([])(from("::ffff:1.1.1.1"))).toBe("1.1.1.1");
  });

  it.each([
    ["9.9.9.9:54321", "9.9.9.9"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["::ffff:9.9.9.9", "9.9.9.9"],
    ["unknown", "1.1.1.1"],
    ["<b>you won</b>", "1.1.1.1"],
    ["9.9.9.9.9", "1.1.1.1"],
  ])("comes from %s behind a trusted proxy only where that is an address", (told, expected) => {
    expect(clientAddress(["1.1.1.1"])(from("::ffff:1.1.1.1", { "x-forwarded-for": told }))).toBe(expected);
  });

  it("keeps its id where that may stand in a header", () => {
    expect(requestIdOf(from("", { "x-request-id": "abc-1_X" }))).toBe("abc-1_X");
    for (const odd of ["", "a b", "x".repeat(65), "a\n"])
      expect(requestIdOf(from("", { "x-request-id": odd }))).not.toBe(odd);
  });

  it.each([
    ['"a"', '"a"', true],
    ['W/"a", "b"', '"b"', true],
    ["*", '"a"', true],
    ['"a"', '"b"', false],
    [undefined, '"b"', false],
  ])("%s against %s", (given, tag, fresh) => expect(isFresh(given, tag)).toBe(fresh));
});

it("takes out of a hand-written reason what may name a person, and leaves the rest", () => {
  expect(withoutPersonal("call kim@example.com, card 4242 4242 4242 4242, 010-1234-5678, order 261124-ABCDEFGH")).toBe(
    "call [redacted], card [redacted], [redacted], order 261124-ABCDEFGH",
  );
  expect(withoutPersonal("2 of 3 arrived broken, 12,900 won, 2026-11-24, 0000000000000000.log")).toBe(
    "2 of 3 arrived broken, 12,900 won, 2026-11-24, 0000000000000000.log",
  );
});
