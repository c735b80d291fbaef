import { connect } from "node:net";
import type { ServiceSchema } from "moleculer";
import { action } from "../../lib/actions";
import { Strict, Type } from "../../lib/schema";
import { Revocations } from "../../services/api/revocations";
import type { Revocation } from "../../services/auth/auth.contract";
import { base, bearer, count, get, node, post, problem, startGateway, tokenFor } from "./gateway.parts";
import { eventually } from "./node";

beforeAll(startGateway);
afterAll(() => node.stop());

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
      "/ops/nodes",
      "/ops/services",
      "/schemas/{type}.json",
      "/stream",
      "/stream/tickets",
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

  it("names its trace, also of what fails, and goes on with a client's", async () => {
    for (const path of ["/api/v1/mine", "/api/v1/nothing"])
      expect((await get(path)).headers.get("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const traced = await get("/api/v1/mine", { traceparent: `00-${traceId}-00f067aa0ba902b7-00` });
    expect(traced.headers.get("traceparent")).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  });

  it("has security headers on answers and errors, and no CORS where no origin is named", async () => {
    for (const path of ["/api/v1/things/a", "/api/v1/nothing", "/docs"]) {
      const { headers } = await get(path, { Origin: "https://evil.example" });
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toContain("default-src 'self'");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("x-frame-options")).toBe("DENY");
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
    const before = count.ran;
    const headers = { ...token, "Access-Control-Request-Method": "POST", "Idempotency-Key": "options" };
    const answer = await fetch(`${base}/api/v1/once`, { method: "OPTIONS", headers });
    expect([answer.status, count.ran]).toEqual([204, before]);
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
