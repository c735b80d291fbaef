import type { DeclaredAction } from "../../mixins/middleware";
import type { GatewayAction } from "./gateway";

interface ObjectSchema {
  properties?: Record<string, object>;
  required?: string[];
  additionalProperties?: boolean;
}

const PROBLEM = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

/** Whether a DELETE has parameters that its path has not. */
function takesBody({ rest, params }: DeclaredAction): boolean {
  const { properties = {} } = (params ?? {}) as ObjectSchema;
  const path = String(rest);
  return path.startsWith("DELETE ") && Object.keys(properties).some((name) => !path.split("/").includes(`:${name}`));
}

/** Errors that the gateway may answer for any action, by what the action declares. */
function gatewayErrors(action: DeclaredAction): [number, string][] {
  const { access, params, rest, idempotency, enrolling } = action;
  const signedIn = access !== "anyone";
  const hasBody = /^(POST|PUT|PATCH)/.test(String(rest)) || takesBody(action);
  return [
    ...(hasBody
      ? ([
          [400, "MALFORMED_JSON"],
          [413, "BODY_TOO_LARGE"],
          [415, "UNSUPPORTED_MEDIA_TYPE"],
        ] as const)
      : []),
    ...(idempotency === "required" ? ([[400, "IDEMPOTENCY_KEY_REQUIRED"]] as const) : []),
    ...(signedIn
      ? ([
          [401, "UNAUTHENTICATED"],
          [401, "TOKEN_EXPIRED"],
          [401, "BAD_TOKEN"],
          [401, "TOKEN_REVOKED"],
        ] as const)
      : []),
    ...(Array.isArray(access) ? ([[403, "FORBIDDEN"]] as const) : []),
    ...(signedIn && !enrolling ? ([[403, "MFA_ENROLMENT_REQUIRED"]] as const) : []),
    ...(idempotency
      ? ([
          [409, "IDEMPOTENCY_IN_PROGRESS"],
          [422, "IDEMPOTENCY_KEY_REUSED"],
        ] as const)
      : []),
    ...(params ? ([[422, "VALIDATION"]] as const) : []),
    [429, "RATE_LIMITED"],
    [500, "INTERNAL_ERROR"],
    [503, "SERVICE_UNAVAILABLE"],
  ].map(([status, code]): [number, string] => [Number(status), String(code)]);
}

function errorResponses(action: DeclaredAction): Record<string, object> {
  const byStatus = new Map<number, Set<string>>();
  for (const [status, code] of [...gatewayErrors(action), ...(action.errors ?? [])])
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code));
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        String(status),
        {
          description: [...codes].map((code) => `\`${code}\``).join(", "),
          ...([429, 503].includes(status) && {
            headers: { "Retry-After": { description: "seconds", schema: { type: "integer" } } },
          }),
          content: PROBLEM,
        },
      ]),
  );
}

const header = (description: string) => ({ description, schema: { type: "string" } });

function success(action: GatewayAction): Record<string, object> {
  const empty = (action.returns as { type?: string } | undefined)?.type === "null";
  const status = String(action.status ?? (empty ? 204 : 200));
  const headers = {
    "X-Request-Id": header("the request's id, for questions about it"),
    traceparent: header("the request's trace and span, as W3C Trace Context has them"),
    ...(action.idempotency && { "Idempotent-Replayed": header("`true` on the answer of an earlier request") }),
    ...(action.conditional && { ETag: header("names this version of the answer") }),
    ...(status === "201" && { Location: header("where what was made is found") }),
    ...(status === "302" && { Location: header("where the browser goes on") }),
  };
  const content = { [action.responseType ?? "application/json"]: { schema: action.returns ?? {} } };
  return {
    [status]: { description: "Success", headers, ...(!empty && { content }) },
    ...(action.answersAgain && { 200: { description: "What is there already, as it is now", content } }),
    ...(action.conditional && { 304: { description: "`If-None-Match` names the version that would be sent" } }),
  };
}

function parametersOf(action: DeclaredAction, method: string, names: string[]): object[] {
  const { properties = {}, required = [] } = (action.params ?? {}) as ObjectSchema;
  const inQuery = method === "get" ? Object.keys(properties).filter((name) => !names.includes(name)) : [];
  const match = { name: "If-None-Match", in: "header", required: false, schema: { type: "string" } };
  const key = { name: "Idempotency-Key", in: "header", schema: { type: "string", minLength: 1, maxLength: 255 } };
  return [
    ...names.map((name) => ({ name, in: "path", required: true, schema: properties[name] ?? { type: "string" } })),
    ...inQuery.map((name) => ({
      name,
      in: "query",
      required: required.includes(name) && !("default" in (properties[name] ?? {})),
      schema: properties[name],
    })),
    ...(action.idempotency ? [{ ...key, required: action.idempotency === "required" }] : []),
    ...(action.conditional ? [match] : []),
  ];
}

function bodyOf(action: DeclaredAction, method: string, names: string[]): object | undefined {
  if (method === "get") return undefined;
  if (action.rawBody) return { required: true, content: { "application/json": { schema: { type: "object" } } } };
  const { properties = {}, required = [] } = (action.params ?? {}) as ObjectSchema;
  const own = Object.entries(properties).filter(([name]) => !names.includes(name));
  if (own.length === 0) return undefined;
  const needed = required.filter((name) => !names.includes(name) && !("default" in (properties[name] ?? {})));
  const schema = {
    type: "object",
    properties: Object.fromEntries(own),
    ...(needed.length > 0 && { required: needed }),
    additionalProperties: false,
  };
  return { required: needed.length > 0, content: { "application/json": { schema } } };
}

function operation(action: DeclaredAction, method: string, path: string): object {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? "");
  const body = bodyOf(action, method, names);
  return {
    operationId: action.name,
    tags: [action.name?.split(".")[0]],
    ...(action.summary && { summary: action.summary }),
    ...(Array.isArray(action.access) && { description: `For the roles: ${action.access.join(", ")}.` }),
    security: action.access === "anyone" ? [] : [{ bearer: [] }],
    parameters: parametersOf(action, method, names),
    ...(body && { requestBody: body }),
    responses: { ...success(action), ...errorResponses(action) },
  };
}

/** The OpenAPI 3.1 document of the given published actions. */
export function openApiDocument(actions: DeclaredAction[], serverUrl: string, version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const action of actions)
    for (const rest of [action.rest ?? []].flat().map(String)) {
      const [method = "", path = ""] = rest.split(" ");
      const template = path.replace(/:(\w+)/g, "{$1}");
      paths[template] = { ...paths[template], [method.toLowerCase()]: operation(action, method.toLowerCase(), path) };
    }
  return {
    openapi: "3.1.0",
    info: {
      title: "Shop",
      version,
      description: "A shopping mall with live support chat.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `${serverUrl}/api/v1` }],
    paths: {
      ...Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
      "/.well-known/jwks.json": { servers: [{ url: serverUrl }], get: JWKS },
    },
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
      schemas: { Problem: PROBLEM_SCHEMA },
    },
  };
}

const JWKS = {
  operationId: "auth.jwks",
  tags: ["auth"],
  summary: "The public keys of access tokens (RFC 7517)",
  security: [],
  responses: {
    200: {
      description: "Success",
      content: {
        "application/json": {
          schema: { type: "object", properties: { keys: { type: "array", items: { type: "object" } } } },
        },
      },
    },
  },
};

const PROBLEM_SCHEMA = {
  description: "RFC 9457. `code` is stable; branch on it.",
  type: "object",
  required: ["type", "title", "status", "detail", "code", "requestId"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", pattern: "^[A-Z][A-Z0-9_]*$" },
    requestId: { type: "string" },
    errors: {
      type: "array",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
  },
};
