import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import jwt from "jsonwebtoken";
import type { BrokerOptions, ServiceBroker, ServiceSchema } from "moleculer";
import { action } from "../../lib/actions";
import { conflict } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { Id, ShownText, Strict, Type } from "../../lib/schema";
import { idempotencyMixin } from "../../mixins/idempotency.mixin";
import apiService from "../../services/api/api.service";
import type { Revocation } from "../../services/auth/auth.contract";
import { eventually, startNode, type TestNode } from "./node";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const revoked: Revocation[] = [];

export function tokenFor(
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
export const keys = (): ServiceSchema => ({
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

/** How often the action that runs once ran. */
export const count = { ran: 0 };
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
        count.ran++;
        if (ctx.params.n === 409) throw conflict("TAKEN", "It is taken.");
        if (ctx.params.n === 500) throw new Error(`secret detail ${count.ran}`);
        return { id: String(count.ran) };
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

export let node: TestNode;
export let base: string;

/** A gateway with a sample service behind it, for the tests of one file. */
export async function startGateway(
  environment: Record<string, string> = {},
  options: BrokerOptions = {},
): Promise<void> {
  const settings = { PORT: "0", JWT_ISSUER: "https://shop.example", ...environment };
  node = await startNode([keys, sample, apiService], settings, options);
  const { server } = node.broker.getLocalService("api") as unknown as { server: { address(): AddressInfo } };
  base = `http://127.0.0.1:${server.address().port}`;
  await eventually(async () => (await get("/api/v1/things/a")).status === 200);
}

export const get = (path: string, headers: Record<string, string> = {}) => fetch(base + path, { headers });
export const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(base + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
export async function problem(response: Response) {
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  const body = (await response.json()) as { status: number; code: string; requestId: string; detail: string };
  expect(body.status).toBe(response.status);
  expect(body.requestId).toBe(response.headers.get("x-request-id"));
  return `${body.status} ${body.code}`;
}
