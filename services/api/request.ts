import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import proxyAddr from "proxy-addr";
import { invalid } from "../../lib/errors";
import { newId } from "../../lib/ids";
import type { DeclaredAction } from "../../mixins/middleware";
import type { GatewayRequest } from "./gateway";
import { NOT_JSON } from "./problem";
import { demandWholeCharacters } from "./well-formed";

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** nginx's word for a client that went away before its answer. */
const CLIENT_GONE = 499;

/** The client's own request id where it is one that may stand in a header and a log, else a new one. */
export function requestIdOf(req: IncomingMessage): string {
  const given = req.headers["x-request-id"];
  return typeof given === "string" && REQUEST_ID.test(given) ? given : newId();
}

/** Some proxies tell the client's port, too. */
const withoutPort = (address: string): string =>
  address.replace(/^\[(.+)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1");

const plainAddress = (address: string): string => withoutPort(address).replace(/^::ffff:/, "");

/**
 * Finds the client's address behind the proxies that are trusted; nobody else's `X-Forwarded-For` is believed. Where a
 * trusted one tells what is no address, it is the client.
 */
export function clientAddress(trustedProxies: string[]): (req: IncomingMessage) => string {
  const trust = proxyAddr.compile(trustedProxies);
  return (req) => {
    const told = plainAddress(proxyAddr(req, trust));
    return isIP(told) ? told : plainAddress(req.socket.remoteAddress ?? "");
  };
}

const schemaTypes = (action: DeclaredAction): Record<string, { type?: string }> =>
  (action.params as { properties?: Record<string, { type?: string }> } | undefined)?.properties ?? {};

/** A text of a path or query as the type that the action's schema names; left as it is where it is no such value. */
function coerce(text: unknown, type: string | undefined): unknown {
  if (typeof text !== "string") return text;
  if ((type === "integer" || type === "number") && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

function coerceAll(values: Record<string, unknown>, action: DeclaredAction): Record<string, unknown> {
  const types = schemaTypes(action);
  return Object.fromEntries(Object.entries(values).map(([name, text]) => [name, coerce(text, types[name]?.type)]));
}

/** What became of a request, once its answer is closed. */
export const statusOf = (res: ServerResponse): number => (res.writableFinished ? res.statusCode : CLIENT_GONE);

export const isRead = (method: string | undefined): boolean => method === "GET" || method === "HEAD";

/**
 * What an action gets: the path's parameters, and the query of a GET or the body of the others. Nothing
 * overrides anything: a name that comes twice, or in the wrong place, is an unknown field.
 */
export function paramsOf(req: GatewayRequest, action: DeclaredAction): Record<string, unknown> {
  const path = req.$params.params ?? {};
  const query = req.query ?? {};
  if (action.rawBody)
    return { ...path, body: Buffer.isBuffer(req.body) ? req.body.toString("utf8") : "", headers: plainHeaders(req) };
  const body = req.body === undefined ? {} : req.body;
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw invalid([{ path: "", message: "must be an object" }]);
  const given = { ...coerceAll(query, action), ...body };
  const unknown = [
    ...Object.keys(path).filter((name) => Object.hasOwn(given, name)),
    ...(isRead(req.method) ? [] : Object.keys(query)),
    ...(Object.hasOwn(body, "__proto__") || Object.hasOwn(query, "__proto__") ? ["__proto__"] : []),
  ];
  demandWholeCharacters(body);
  if (unknown.length > 0) throw invalid(unknown.map((name) => ({ path: name, message: "is not a known field" })));
  return { ...given, ...coerceAll(path, action) };
}

function plainHeaders(req: GatewayRequest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(req.headers).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** 415 for a body that is not JSON: body-parser would skip it, and the request would look empty. */
export function requireJson(req: IncomingMessage): void {
  const hasBody = req.headers["transfer-encoding"] !== undefined || Number(req.headers["content-length"] ?? 0) > 0;
  const type = req.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (hasBody && type !== "application/json") throw NOT_JSON;
}
