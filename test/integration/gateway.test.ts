import { generateKeyPairSync } from "node:crypto";
import { type AddressInfo, connect } from "node:net";
import jwt from "jsonwebtoken";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../../lib/actions";
import { conflict } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { Id, ShownText, Strict, Type } from "../../lib/schema";
import { now } from "../../lib/time";
import { idempotencyMixin } from "../../mixins/idempotency.mixin";
import apiService from "../../services/api/api.service";
import { Revocations } from "../../services/api/revocations";
import type { Revocation } from "../../services/auth/auth.contract";
import { eventually, startNode, type TestNode } from "./node";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const revoked: Revocation[] = [];

function tokenFor(
  roles: string[],
  { sub = newId(), sid = newId(), expiresIn = 60, key = privateKey, kid = "k1", claims = {} } = {},
) {
  const issuer = "https://shop.example";
  return jwt.sign({ roles, sid, jti: newId(), ...claims }, key, {
    algorithm: "ES256",
    keyid: kid,
    issuer,
    audience: "shop",
    subject: sub,
    expiresIn,
  });
}

/** Stands in for the auth context: its two answers that the gateway lives on. */
const keys = (): ServiceSchema => ({
  name: "auth",
  settings: { rest: "/" },
  actions: {
    jwks: {
      visibility: "published",
      access: "anyone",
      handler: () => ({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" }] }),
    } as never,
    revocations: { visibility: "public", handler: () => ({ items: revoked }) },
  },
});

let ran = 0;
const sample = (broker: ServiceBroker): ServiceSchema => ({
  name: "sample",
  mixins: [idempotencyMixin(broker, "sample")],
  settings: { rest: "/" },
  actions: {
    open: action({
      rest: "GET /things/:id",
      access: "anyone",
      params: Strict({ id: Id, n: Type.Optional(Type.Integer()), all: Type.Optional(Type.Boolean()) }),
      returns: Type.Unknown(),
      handler: (ctx) => ({ ...ctx.params, user: ctx.meta.user?.id ?? null }),
    }),
    mine: action({
      rest: "GET /mine",
      access: "signed-in",
      params: Strict({}),
      returns: Type.Unknown(),
      handler: (ctx) => ({ user: ctx.meta.user?.id }),
    }),
    admins: action({
      rest: "POST /things",
      access: ["admin"],
      params: Strict({ name: Type.String(), inner: Type.Optional(Strict({ a: Type.Integer() })) }),
      returns: Type.Unknown(),
      status: 201,
      handler: (ctx) => ({ id: "t1", ...ctx.params }),
    }),
    once: action({
      rest: "POST /once",
      access: "signed-in",
      idempotency: "required",
      params: Strict({ n: Type.Integer() }),
      returns: Type.Unknown(),
      status: 201,
      async handler(ctx) {
        ran++;
        if (ctx.params.n === 409) throw conflict("TAKEN", "It is taken.");
        if (ctx.params.n === 500) throw new Error(`secret detail ${ran}`);
        return { id: String(ran) };
      },
    }),
    named: action({
      rest: "POST /named",
      access: "anyone",
      params: Strict({ name: ShownText(100) }),
      returns: Type.Unknown(),
      handler: () => ({}),
    }),
    tagged: action({
      rest: "GET /tagged",
      access: "anyone",
      params: Strict({}),
      returns: Type.Unknown(),
      handler(ctx) {
        ctx.meta.$responseHeaders = { ETag: '"v1"' };
        return { v: 1 };
      },
    }),
    gone: action({
      rest: "DELETE /things/:id",
      access: "anyone",
      params: Strict({ id: Id }),
      returns: Type.Null(),
      handler: () => null,
    }),
    hidden: action({ params: Strict({}), returns: Type.Unknown(), handler: () => ({ secret: true }) }),
  },
});

let node: TestNode;
let base: string;

beforeAll(async () => {
  node = await startNode([keys, sample, apiService], { PORT: "0", JWT_ISSUER: "https://shop.example" });
  const { server } = node.broker.getLocalService("api") as unknown as { server: { address(): AddressInfo } };
  base = `http://127.0.0.1:${server.address().port}`;
  await eventually(async () => (await get("/api/v1/things/a")).status === 200);
});
afterAll(() => node.stop());

const get = (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers });
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(base + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
async function problem(response: Response) {
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const body = (await response.json()) as { status: number; code: string; requestId: string; detail: string };
  expect(body.status).toBe(response.status);
  expect(body.requestId).toBe(response.headers.get("x-request-id"));
  return `${body.status} ${body.code}`;
}

describe("parameters", () => {
  it("takes numbers and booleans of a query as their types", async () => {
    expect(await (await get("/api/v1/things/a?n=3&all=true")).json()).toEqual({ id: "a", n: 3, all: true, user: null });
  });

  it.each(["?n=x", "?n[$gt]=1", "?other=1", "?id=b", "?n=1&n=2"])("refuses %s", async (query) => {
    expect(await problem(await get(`/api/v1/things/a${query}`))).toBe("422 VALIDATION");
  });

  it.each([
    ['{"name":"a","role":"admin"}', "422 VALIDATION"],
    ['{"name":"a","__proto__":{"inner":{"a":1}}}', "422 VALIDATION"],
    ['{"name":"a","inner":{"a":1,"__proto__":{"b":2}}}', "422 VALIDATION"],
    ['{"name":1}', "422 VALIDATION"],
    ['{"name":"a"', "400 MALFORMED_JSON"],
    ['"text"', "422 VALIDATION"],
    ["[]", "422 VALIDATION"],
    ["null", "422 VALIDATION"],
    [JSON.stringify({ name: "x".repeat(110_000) }), "413 BODY_TOO_LARGE"],
  ])("answers the body %.40s with %s", async (body, answer) => {
    expect(await problem(await post("/api/v1/things", body, bearer(tokenFor(["admin"]))))).toBe(answer);
  });

  it("takes no body that is not JSON", async () => {
    const form = { "Content-Type": "application/x-www-form-urlencoded", ...bearer(tokenFor(["admin"])) };
    expect(await problem(await post("/api/v1/things", "name=a", form))).toBe("415 UNSUPPORTED_MEDIA_TYPE");
  });

  it("takes no query beside a body", async () => {
    const answer = await post("/api/v1/things?name=b", { name: "a" }, bearer(tokenFor(["admin"])));
    expect(await problem(answer)).toBe("422 VALIDATION");
  });
});

describe("who may", () => {
  it("asks for a token where somebody must be signed in", async () => {
    expect(await problem(await get("/api/v1/mine"))).toBe("401 UNAUTHENTICATED");
    expect((await get("/api/v1/mine", bearer(tokenFor(["customer"], { sub: "u1" })))).status).toBe(200);
  });

  it("refuses an expired token, one of another key, and one that was tampered with", async () => {
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    expect(await problem(await get("/api/v1/mine", bearer(tokenFor([], { expiresIn: -1 }))))).toBe("401 TOKEN_EXPIRED");
    expect(await problem(await get("/api/v1/mine", bearer(tokenFor([], { key: other }))))).toBe("401 BAD_TOKEN");
    expect(await problem(await get("/api/v1/mine", bearer(tokenFor([], { kid: "k2" }))))).toBe("401 BAD_TOKEN");
    const [header, , signature] = tokenFor(["customer"]).split(".");
    const forged = Buffer.from(JSON.stringify({ sub: "u1", roles: ["admin"], sid: "s" })).toString("base64url");
    expect(await problem(await get("/api/v1/mine", bearer(`${header}.${forged}.${signature}`)))).toBe("401 BAD_TOKEN");
    const none = Buffer.from('{"alg":"none","kid":"k1"}').toString("base64url");
    expect(await problem(await get("/api/v1/mine", bearer(`${none}.${forged}.`)))).toBe("401 BAD_TOKEN");
  });

  it("refuses a role that may not", async () => {
    expect(await problem(await post("/api/v1/things", { name: "a" }, bearer(tokenFor(["customer"]))))).toBe(
      "403 FORBIDDEN",
    );
    const made = await post("/api/v1/things", { name: "a" }, bearer(tokenFor(["admin"])));
    expect([made.status, made.headers.get("location")]).toEqual([201, "/api/v1/things/t1"]);
  });

  it("lets a stale token pass where anybody may come", async () => {
    const stale = bearer(tokenFor([], { expiresIn: -1 }));
    expect(await (await get("/api/v1/things/a", stale)).json()).toMatchObject({ user: null });
  });

  it("refuses the tokens of a session that ended, by the broadcast at once and by the poll within a second", async () => {
    const heard = tokenFor(["customer"], { sid: "heard" });
    const polled = tokenFor(["customer"], { sid: "polled" });
    const at = now();
    expect((await get("/api/v1/mine", bearer(heard))).status).toBe(200);
    await node.broker.broadcast("auth.revoked", { id: "1", kind: "session", subject: "heard", at });
    expect(await problem(await get("/api/v1/mine", bearer(heard)))).toBe("401 TOKEN_REVOKED");
    expect((await get("/api/v1/mine", bearer(polled))).status).toBe(200);
    revoked.push({ id: "2", kind: "session", subject: "polled", at });
    await eventually(async () => (await get("/api/v1/mine", bearer(polled))).status === 401, 1000);
  });
});

describe("the tokens of a user that were revoked", () => {
  const iat = Math.floor(Date.now() / 1000);
  const revokedAt = iat * 1000 + 500;
  const status = async (claims: object) =>
    (await get("/api/v1/mine", bearer(tokenFor(["customer"], { sub: "changed", claims: { iat, ...claims } })))).status;

  it("are told from newer ones of the same second, and where they do not say it are refused", async () => {
    const at = new Date(revokedAt).toISOString();
    await node.broker.broadcast("auth.revoked", { id: "3", kind: "user", subject: "changed", at });
    expect(await status({ iat_ms: revokedAt })).toBe(401);
    expect(await status({ iat_ms: revokedAt + 1 })).toBe(200);
    expect(await status({})).toBe(401);
    expect(await status({ iat: iat + 1 })).toBe(200);
  });
});

describe("Idempotency-Key", () => {
  const token = bearer(tokenFor(["customer"], { sub: "u1" }));
  const once = (key: string | undefined, n: number, headers = token) =>
    post("/api/v1/once", { n }, { ...headers, ...(key && { "Idempotency-Key": key }) });

  it("is required where the action says so", async () => {
    expect(await problem(await once(undefined, 1))).toBe("400 IDEMPOTENCY_KEY_REQUIRED");
    expect(await problem(await once("k".repeat(256), 1))).toBe("400 IDEMPOTENCY_KEY_INVALID");
  });

  it("replays the first answer, status and body", async () => {
    const first = await once("a", 1);
    const again = await once("a", 1);
    expect([again.status, await again.text()]).toEqual([first.status, await first.text()]);
    expect([first, again].map((r) => r.headers.get("idempotent-replayed"))).toEqual([null, "true"]);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
  });

  it("replays a refusal with the very same body", async () => {
    const [first, again] = [await once("b", 409), await once("b", 409)];
    expect(first.status).toBe(409);
    expect(await again.text()).toBe(await first.text());
    expect(again.headers.get("idempotent-replayed")).toBe("true");
  });

  it("refuses another body under the same key, and knows keys by account", async () => {
    await once("c", 1);
    expect(await problem(await once("c", 2))).toBe("422 IDEMPOTENCY_KEY_REUSED");
    expect((await once("c", 2, bearer(tokenFor(["customer"], { sub: "u2" })))).status).toBe(201);
  });

  it("keeps no failure of ours, and shows nothing of it", async () => {
    const before = ran;
    const failed = await once("d", 500);
    expect(await failed.clone().text()).not.toContain("secret detail");
    expect(await problem(failed)).toBe("500 INTERNAL_ERROR");
    await once("d", 500);
    expect(ran).toBe(before + 2);
  });

  it("runs once for twenty at once", async () => {
    const before = ran;
    const answers = await Promise.all(Array.from({ length: 20 }, () => once("e", 1)));
    expect(ran).toBe(before + 1);
    const codes = answers.map((answer) => answer.status);
    expect(codes.filter((code) => code === 201).length).toBeGreaterThan(0);
    expect(codes.every((code) => code === 201 || code === 409)).toBe(true);
  });
});

describe("what is published", () => {
  it.each([
    "/api/v1/sample/hidden",
    "/sample/hidden",
    "/sample.hidden",
    "/api/v1/$node/list",
    "/api/v1/~node/actions",
    "/~node/list",
    "/api/v1/api/listAliases",
    "/api/v1/list-aliases",
    "/list-aliases",
    "/api/v1/auth/revocations",
    "/auth/revocations",
    "/api/v1/auth/jwks",
    "/%2e%2e/package.json",
    "/docs/..%2f..%2fpackage.json",
  ])("does not answer %s", async (path) => {
    expect(await problem(await get(path))).toBe("404 NOT_FOUND");
  });

  it("answers a malformed address with 400", async () => {
    expect(await problem(await get("/api/v1/things/%E0%A4%A"))).toBe("400 MALFORMED_URL");
  });

  it("describes every published action in the OpenAPI document, and the page that shows it", async () => {
    const document = (await (await get("/api/v1/openapi.json")).json()) as { openapi: string; paths: object };
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual([
      "/mine",
      "/named",
      "/once",
      "/openapi.json",
      "/tagged",
      "/things",
      "/things/{id}",
      "/.well-known/jwks.json",
    ]);
    expect(await (await get("/docs")).text()).toContain("swagger-ui");
    expect((await get("/docs/swagger-ui-bundle.js")).status).toBe(200);
  });

  it("serves the keys at the root", async () => {
    expect(await (await get("/.well-known/jwks.json")).json()).toMatchObject({ keys: [{ kid: "k1" }] });
  });
});

describe("headers", () => {
  it("takes over a client's request id only where it is one", async () => {
    expect((await get("/api/v1/mine", { "X-Request-Id": "abc-1" })).headers.get("x-request-id")).toBe("abc-1");
    const odd = await get("/api/v1/mine", { "X-Request-Id": "a b", "X-Correlation-Id": "evil" });
    expect(odd.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("has security headers on answers and errors, and no CORS where no origin is named", async () => {
    for (const path of ["/api/v1/things/a", "/api/v1/nothing", "/docs"]) {
      const { headers } = await get(path, { Origin: "https://evil.example" });
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  it("answers 304 to whom has it already, and 204 where there is nothing to say", async () => {
    expect((await get("/api/v1/tagged", { "If-None-Match": 'W/"v1"' })).status).toBe(304);
    expect((await get("/api/v1/tagged", { "If-None-Match": '"v0"' })).status).toBe(200);
    const gone = await fetch(`${base}/api/v1/things/a`, { method: "DELETE" });
    expect([gone.status, await gone.text()]).toEqual([204, ""]);
  });
});

describe("what is no ordinary request", () => {
  /** Bytes as they are, since fetch would put them right. */
  function raw(bytes: string): Promise<string> {
    const { port } = new URL(base);
    return new Promise((resolve) => {
      const socket = connect(Number(port), "127.0.0.1", () => socket.write(bytes));
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk;
      });
      socket.on("close", () => resolve(answer));
    });
  }

  it("is answered as a problem even where it is no HTTP", async () => {
    const answer = await raw("GET /api/v1/things/커피 HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
    expect(answer).toMatch(/X-Request-Id: [0-9a-f-]{36}/);
    expect(answer).toContain('"code":"MALFORMED_REQUEST"');
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nA: ${"x".repeat(20_000)}\r\n\r\n`)).toContain("HTTP/1.1 431");
  });

  it("does nothing for OPTIONS but answer", async () => {
    const token = bearer(tokenFor(["admin"]));
    const before = ran;
    const headers = { ...token, "Access-Control-Request-Method": "POST", "Idempotency-Key": "options" };
    const answer = await fetch(`${base}/api/v1/once`, { method: "OPTIONS", headers });
    expect([answer.status, ran]).toEqual([204, before]);
  });

  it("answers HEAD as GET without the body", async () => {
    const answer = await fetch(`${base}/api/v1/things/a?n=1`, { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });

  it("refuses a body that does not decompress", async () => {
    const headers = { ...bearer(tokenFor(["admin"])), "Content-Encoding": "gzip" };
    expect(await problem(await post("/api/v1/things", "xx", headers))).toBe("400 MALFORMED_BODY");
  });

  it("takes no longer than the text is long for one that fits a pattern nearly", async () => {
    const took = async (length: number) => {
      const began = performance.now();
      const body = { name: `${"a".repeat(length)}\n` };
      expect(await problem(await post("/api/v1/named", body))).toBe("422 VALIDATION");
      return performance.now() - began;
    };
    const best = async (length: number) => Math.min(await took(length), await took(length), await took(length));
    // Eight times the text took sixty-four times as long, which is seconds, before the pattern was linear.
    expect(await best(80_000)).toBeLessThan(16 * (await best(10_000)) + 50);
  });
});

it("answers 503, not 404, for a service that went away, and its routes are there again when it is", async () => {
  const greeter = (name: string): ServiceSchema => ({
    name,
    settings: { rest: "/" },
    actions: {
      hello: action({
        rest: `GET /hello/${name}`,
        access: "anyone",
        params: Strict({}),
        returns: Type.Unknown(),
        handler: () => ({ hello: true }),
      }),
    },
  });
  const answered = (name: string, status: number) =>
    eventually(async () => (await get(`/api/v1/hello/${name}`)).status === status);
  await answered("passing", 404);
  const service = node.broker.createService(greeter("passing"));
  await answered("passing", 200);
  await node.broker.destroyService(service);
  await answered("passing", 503);
  // Another's routes are there, so all were made anew since; the one without its service has outlived that.
  node.broker.createService(greeter("another"));
  await answered("another", 200);
  const away = await get("/api/v1/hello/passing");
  expect([away.status, away.headers.get("retry-after")]).toEqual([503, "5"]);
  node.broker.createService(greeter("passing"));
  await answered("passing", 200);
});

it("asks for what was revoked before it believes a token, when it was frozen for long", async () => {
  let now = Date.now();
  let asked = 0;
  const late: Revocation = { id: "9", kind: "session", subject: "gone", at: new Date(now).toISOString() };
  const clock = jest.spyOn(Date, "now").mockImplementation(() => now);
  const revocations = new Revocations(
    (async (_name: string, { since }: { since: string }) => {
      asked++;
      return { items: late.at >= since ? [late] : [] };
    }) as never,
    900_000,
  );
  const caller = { id: "u", roles: [], sid: "gone" };
  now -= 60_000;
  await revocations.load();
  now += 60_000 + 45_000;
  await revocations.fresh();
  clock.mockRestore();
  expect([asked, revocations.covers(caller, 0)]).toEqual([2, true]);
});

it("limits a minute's writes by account", async () => {
  const heavy = bearer(tokenFor(["customer"], { sub: "heavy" }));
  const answers = await Promise.all(Array.from({ length: 130 }, () => post("/api/v1/once", {}, heavy)));
  const refused = answers.filter((answer) => answer.status === 429);
  expect(refused.length).toBe(10);
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await post("/api/v1/once", {}, bearer(tokenFor(["customer"], { sub: "light" })))).status).not.toBe(429);
});
