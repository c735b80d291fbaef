import type { ServerResponse } from "node:http";
import type { Span } from "../../lib/tracing/span";
import type { Tracer } from "../../lib/tracing/tracer";
import type { GatewayRequest } from "./gateway";
import { statusOf } from "./request";

/**
 * A request's SERVER span, from here to the end of its answer, which names it; the path itself may hold what is nobody's
 * business.
 */
export function traceRequest(tracer: Tracer, node: string, req: GatewayRequest, res: ServerResponse): Span {
  const method = req.method ?? "";
  const tags = { "http.method": method, node };
  const span = tracer.enter({ name: method, service: "api", kind: "SERVER", tags }, req.headers.traceparent);
  res.setHeader("traceparent", span.traceparent);
  if (!span.isKept) return span;
  req.$span = span;
  res.once("close", () => {
    const route = req.$alias?.path;
    if (route !== undefined) {
      span.rename(`${method} ${route}`);
      span.tag("http.route", route);
    }
    const status = statusOf(res);
    span.tag("http.status_code", String(status));
    if (status >= 500) span.tag("error", String(status));
    span.end();
  });
  return span;
}
