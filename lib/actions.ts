import type { ActionSchema, CallingOptions, Context, ServiceBroker } from "moleculer";
import { unauthorized } from "./errors";
import type { Static, TSchema } from "./schema";

export type Role = "customer" | "agent" | "admin";

/** Who is asking, as the gateway read it from a verified access token. */
export interface Caller {
  id: string;
  roles: Role[];
  /** The session (refresh family) that the token belongs to. */
  sid: string;
  /** Their role needs a second factor, and they have shown none: they may do nothing but set one up. */
  mustEnrol?: true;
}

/** What travels with a call beside its params; `$`-names are the gateway's way back to the HTTP answer. */
export interface Meta {
  user?: Caller | null;
  /** The client's address as the trusted proxies gave it. */
  clientIp?: string;
  userAgent?: string;
  /** `Accept-Language` as the client sent it. */
  acceptLanguage?: string;
  /** The browser's `Cookie` header, for actions that declare {@link ActionDefinition.browser}. */
  cookies?: string;
  idempotencyKey?: string;
  /** W3C Trace Context. */
  traceparent?: string;
  $statusCode?: number;
  $responseHeaders?: Record<string, string>;
  $location?: string;
}

/**
 * Every action that one context may ask of another, by name. Each context's contract file adds its own:
 * `declare module "../../lib/actions" { interface ActionMap { "product.quote": Asked<typeof QuoteParams, typeof Quotes> } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface ActionMap {}

/** An entry of {@link ActionMap}, from the schemas that the action itself is declared with: the two cannot part. */
export interface Asked<P extends TSchema, R extends TSchema> {
  params: Static<P>;
  result: Static<R>;
}

/** A typed call of another context's action. */
export type Call = <N extends keyof ActionMap>(
  name: N,
  params: ActionMap[N] extends { params: infer P } ? P : never,
  options?: CallingOptions,
) => Promise<ActionMap[N] extends { result: infer R } ? R : never>;

export type ShopContext<P = unknown> = Omit<Context<P & object, Meta>, "call" | "params"> & { params: P; call: Call };

/** Who is asking; throws 401 where nobody is, which the gateway has ruled out for what needs somebody. */
export function callerOf(ctx: { meta: Meta }): Caller {
  if (!ctx.meta.user) throw unauthorized("UNAUTHENTICATED", "Sign in and send the access token.");
  return ctx.meta.user;
}

/** Typed calls as a function: of a request's context, or of the broker for what no request caused. */
export const callOf = (caller: ServiceBroker | ShopContext): Call =>
  ((name: string, params: object, options?: CallingOptions) =>
    (caller as ServiceBroker).call(name, params, options)) as Call;

/** Who may use an action over HTTP: everybody, whoever is signed in, or these roles. */
export type Access = "anyone" | "signed-in" | Role[];

export interface ActionDefinition<P extends TSchema, R extends TSchema> {
  /** `METHOD /path` below `/api/v1`. Without it no client can reach the action. */
  rest?: string | string[];
  /** Required beside `rest`. */
  access?: Access;
  summary?: string;
  params: P;
  returns: R;
  /** The status of success: 200 unless named. */
  status?: number;
  /** What it makes may be there already: then it is answered with 200. */
  answersAgain?: boolean;
  /** Stable codes that the action answers beside the gateway's own, as `[status, code]`. */
  errors?: [status: number, code: string][];
  /** `Idempotency-Key`: honoured where sent, or required. Needs the idempotency mixin in the service. */
  idempotency?: "optional" | "required";
  /** Safe to run twice: another node is asked as well while the first one is silent, and again when it is gone. */
  retryable?: boolean;
  /** Milliseconds, where the broker's default does not fit. */
  timeout?: number;
  cache?: ActionSchema["cache"];
  /** The answer carries an `ETag`, so that whoever has it already gets 304. */
  conditional?: boolean;
  /** While nobody can be asked, an answer of some minutes ago does, marked as such; for what everybody may read. */
  stale?: boolean;
  /**
   * Beside the limits for everything: `credentials` counts wrong passwords and codes by client address, whatever account
   * they name; `webhook` allows for a provider that sends all from one address; `none` is for what everybody fetches.
   */
  limit?: "credentials" | "webhook" | "none";
  /** A browser's own request: the action gets its cookies. */
  browser?: boolean;
  /** Open to those as well who must set up a second factor before they may do anything else. */
  enrolling?: boolean;
  /** The gateway hands over `{...path, body: string, headers}` as they came, for a signature that covers the bytes. */
  rawBody?: boolean;
  handler: (ctx: ShopContext<Static<P>>) => Promise<Static<R>> | Static<R>;
}

/**
 * Declares an action once: validation, OpenAPI, access and types all come from this. Closed by default: without `rest`
 * it is callable by other services only.
 */
export function action<P extends TSchema, R extends TSchema>(definition: ActionDefinition<P, R>): ActionSchema {
  const { retryable, handler, rest, ...declared } = definition;
  if (rest && !definition.access) throw new Error(`a published action must say who may call it: ${rest}`);
  return {
    ...declared,
    ...(rest && { rest }),
    visibility: rest ? "published" : "public",
    ...(retryable && { retryPolicy: { enabled: true } }),
    handler: handler as ActionSchema["handler"],
  };
}
