import type { IncomingMessage, ServerResponse } from "node:http";
import type { Meta } from "../../lib/actions";
import type { Span } from "../../lib/tracing/span";
import type { DeclaredAction } from "../../mixins/middleware";
import type { Verified } from "./authentication";

/** What moleculer-web hangs on a request; its own types leave most of it open. */
export interface GatewayRequest extends IncomingMessage {
  originalUrl: string;
  /** What the route parsed: JSON, or the bytes for an action with `rawBody`. */
  body?: unknown;
  query: Record<string, unknown>;
  /** `{ body, query, params }`, or after {@link prepare} what the action gets. */
  $params: Record<string, unknown> & { params?: Record<string, string> };
  $action?: DeclaredAction;
  $alias?: { path: string };
  /** What the access token says that came with it. */
  $verified?: Verified;
  $span?: Span;
  $ctx?: { meta: Meta; requestID: string | null };
}

/** An action as moleculer-web reads it: `responseType` is its answer's content type where that is not JSON. */
export type GatewayAction = DeclaredAction & { responseType?: string };

export type GatewayResponse = ServerResponse;
export type Middleware = (req: GatewayRequest, res: GatewayResponse, next: (error?: unknown) => void) => void;
