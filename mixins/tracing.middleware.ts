import type { Context, Middleware } from "moleculer";
import type { Meta } from "../lib/actions";
import { currentRequest } from "../lib/request-scope";
import type { Tracer } from "../lib/tracing/tracer";
import { type DeclaredAction, localAction } from "./middleware";

type Ask = (ctx: Context<unknown, Meta>) => Promise<unknown>;

const serviceOf = (action: string): string => action.slice(0, action.lastIndexOf("."));

/** What the registry and the gateway's own inner actions do says nothing of a request. */
const isDeclared = ({ name = "", visibility }: DeclaredAction): boolean =>
  !name.startsWith("$") && (visibility === "public" || visibility === "published");

/**
 * A span for each action: SERVER where another node asked, CLIENT for each time that a node is asked (so also for each
 * repetition), and one without kind where a service in the same process asks another one.
 */
export function tracingMiddleware(tracer: Tracer): Middleware {
  const local = localAction("Tracing", (next, action) => {
    if (!tracer.isOn || !isDeclared(action)) return next;
    const name = action.name ?? "";
    const service = serviceOf(name);
    return (ctx) => {
      const isRemote = ctx.nodeID !== ctx.broker.nodeID;
      if (!isRemote && currentRequest()?.service === service) return next(ctx);
      const tags = { action: name, node: ctx.broker.nodeID };
      return tracer.run({ name, service, tags, ...(isRemote && { kind: "SERVER" }) }, () => next(ctx));
    };
  });

  const ask = (next: Ask, action: DeclaredAction): Ask => {
    if (!tracer.isOn || !isDeclared(action)) return next;
    const name = action.name ?? "";
    const remote = serviceOf(name);
    return (ctx) => {
      const { traceparent = ctx.meta.traceparent, service = ctx.caller ?? "shop" } = currentRequest() ?? {};
      const tags = { action: name, node: ctx.nodeID ?? "" };
      const span = tracer.child({ name, service, kind: "CLIENT", remote, tags }, traceparent);
      if (!span) return next(ctx);
      ctx.meta.traceparent = span.traceparent;
      return span.around(() => next(ctx));
    };
  };

  return { ...local, remoteAction: ask } as unknown as Middleware;
}
