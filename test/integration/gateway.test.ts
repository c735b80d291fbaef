import { generateKeyPairSync } from "node:crypto";
import { now } from "../../lib/time";
import { bearer, count, get, node, post, problem, revoked, startGateway, tokenFor } from "./gateway.parts";
import { eventually } from "./node";

beforeAll(startGateway);
afterAll(() => node.stop());

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
    ['{"name":"a\\ud83d"}', "422 VALIDATION"],
    [`{"name":${"[".repeat(40_000)}${"]".repeat(40_000)}}`, "422 VALIDATION"],
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
    const before = count.ran;
    const failed = await once("d", 500);
    expect(await failed.clone().text()).not.toContain("secret detail");
    expect(await problem(failed)).toBe("500 INTERNAL_ERROR");
    await once("d", 500);
    expect(count.ran).toBe(before + 2);
  });

  it("runs once for twenty at once", async () => {
    const before = count.ran;
    const answers = await Promise.all(Array.from({ length: 20 }, () => once("e", 1)));
    expect(count.ran).toBe(before + 1);
    const codes = answers.map((answer) => answer.status);
    expect(codes.filter((code) => code === 201).length).toBeGreaterThan(0);
    expect(codes.every((code) => code === 201 || code === 409)).toBe(true);
  });
});

it("limits a minute's writes by account", async () => {
  const heavy = bearer(tokenFor(["customer"], { sub: "heavy" }));
  const answers = await Promise.all(Array.from({ length: 130 }, () => post("/api/v1/once", {}, heavy)));
  const refused = answers.filter((answer) => answer.status === 429);
  expect(refused.length).toBe(10);
  expect(Number(refused[0]?.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await post("/api/v1/once", {}, bearer(tokenFor(["customer"], { sub: "light" })))).status).not.toBe(429);
});
