import { type Middleware, ServiceBroker as Node, type ServiceSchema } from "moleculer";
import { ShopError } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { Metrics } from "../../lib/metrics";
import { currentRequest, inRequest } from "../../lib/request-scope";
import { newTraceparent, spanIdOf, traceIdOf } from "../../lib/trace";
import type { ZipkinSpan } from "../../lib/tracing/span";
import { Tracer } from "../../lib/tracing/tracer";
import { ErrorRegenerator } from "../../mixins/errors";
import { hedgingMiddleware } from "../../mixins/hedging.middleware";
import { requestScopeMiddleware } from "../../mixins/request-scope.middleware";
import { tracingMiddleware } from "../../mixins/tracing.middleware";
import { unansweredMiddleware } from "../../mixins/unanswered.middleware";
import { above, lineOf, withoutParent } from "../e2e/traces";
import { eventually } from "./node";

const spans: ZipkinSpan[] = [];
const scopes: (string | undefined)[] = [];
let nodes: Node[] = [];
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  spans.length = 0;
  scopes.length = 0;
});

type Handler = NonNullable<ServiceSchema["actions"]>[string];
const asked = (handler: Handler, more = {}): Handler => ({ visibility: "public", handler, ...more }) as Handler;
const never = () => new Promise(() => undefined);

const desk: ServiceSchema = {
  name: "desk",
  actions: {
    ask: asked(async (ctx) => {
      await ctx.call("clerk.look");
      scopes.push(currentRequest()?.traceparent);
      return ctx.call("clerk.file");
    }),
    inner: asked((ctx) => ctx.call("desk.same")),
    same: asked((ctx) => ctx.call("clerk.look")),
  },
};
const clerk = (look: Handler): ServiceSchema => ({
  name: "clerk",
  actions: {
    look: asked(look, { retryPolicy: { enabled: true } }),
    file: asked(() => "filed"),
    refuse: asked(() => {
      throw new ShopError(409, "TAKEN", "by kim@example.com");
    }),
    hidden: { visibility: "private", handler: () => "hidden" },
  },
});

/** The answers of a node with this get lost on their way. */
const losing = {
  name: "Losing",
  transitPublish: (next: (packet: { type: string }) => Promise<unknown>) => (packet: { type: string }) =>
    packet.type === "RES" ? Promise.resolve() : next(packet),
} as unknown as Middleware;

async function cluster(members: Record<string, ServiceSchema[]>): Promise<Node> {
  const namespace = newId();
  const exporter = { add: (span: ZipkinSpan) => void spans.push(span), close: async () => undefined };
  nodes = Object.entries(members).map(([nodeID, services]) => {
    const tracer = new Tracer({ exporter, sampleRate: () => 1 });
    const middlewares = [
      unansweredMiddleware,
      tracingMiddleware(tracer),
      hedgingMiddleware(new Metrics()),
      requestScopeMiddleware,
    ];
    if (nodeID === "lost") middlewares.push(losing);
    const heartbeats = { heartbeatInterval: 60, heartbeatTimeout: 180 };
    const tracking = { enabled: false, shutdownTimeout: 0 };
    const common = {
      namespace,
      nodeID,
      logger: false,
      transporter: "Fake" as const,
      middlewares,
      ...heartbeats,
      tracking,
    };
    const node = new Node({ ...common, errorRegenerator: new ErrorRegenerator() });
    for (const service of services) node.createService(service);
    return node;
  });
  await Promise.all(nodes.map((node) => node.start()));
  const [first] = nodes as [Node];
  await first.waitForServices(["desk", "clerk"]);
  const clerks = Object.values(members).filter((services) => services.some(({ name }) => name === "clerk"));
  await eventually(() => first.registry.actions.get("clerk.look")?.endpoints.length === clerks.length);
  return first;
}

const root = newTraceparent();
const ask = (node: Node, action: string, options = {}) =>
  inRequest({ requestId: "r", traceparent: root, service: "api" }, () => node.call(action, {}, options));
const named = (name: string, kind?: string) => spans.filter((span) => span.name === name && span.kind === kind);
const one = (name: string, kind?: string) => named(name, kind)[0] as ZipkinSpan;

it("a call over the network is CLIENT here and SERVER there, and what it asks is below it", async () => {
  const gateway = await cluster({ gateway: [], desks: [desk], clerks: [clerk(() => "seen")] });
  await ask(gateway, "desk.ask");
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(root)]));
  expect(withoutParent(spans).map(({ parentId }) => parentId)).toEqual([spanIdOf(root)]);
  const way = (span: ZipkinSpan) => [span, ...above(spans, span)].map(lineOf);
  const down = ["SERVER desk desk.ask", "CLIENT api desk.ask"];
  expect(way(one("clerk.look", "SERVER"))).toEqual(["SERVER clerk clerk.look", "CLIENT desk clerk.look", ...down]);
  // Not below the call before it, whose meta Moleculer hands to the caller.
  expect(way(one("clerk.file", "SERVER"))).toEqual(["SERVER clerk clerk.file", "CLIENT desk clerk.file", ...down]);
  expect(scopes.map((traceparent) => spanIdOf(traceparent ?? ""))).toEqual([one("desk.ask", "SERVER").id]);
  expect(one("clerk.look", "CLIENT")).toMatchObject({
    remoteEndpoint: { serviceName: "clerk" },
    tags: { action: "clerk.look", node: "clerks" },
  });
});

it("in one process services have spans without a kind, and a service that asks itself has none", async () => {
  const node = await cluster({ all: [desk, clerk(() => "seen")] });
  await ask(node, "desk.inner");
  expect(spans.map(lineOf)).toEqual(["- clerk clerk.look", "- desk desk.inner"]);
  expect(above(spans, one("clerk.look")).map(({ name }) => name)).toEqual(["desk.inner"]);
});

it("what no request caused, and what no action declares, has none", async () => {
  const gateway = await cluster({ gateway: [desk], clerks: [clerk(() => "seen")] });
  await gateway.call("clerk.look");
  await inRequest({ traceparent: newTraceparent(false) }, () => gateway.call("clerk.look"));
  await ask(gateway, "$node.list", { nodeID: "clerks" });
  expect(spans).toEqual([]);
});

it("a refusal crosses with its code alone", async () => {
  const gateway = await cluster({ gateway: [desk], clerks: [clerk(() => "seen")] });
  await expect(ask(gateway, "clerk.refuse")).rejects.toMatchObject({ type: "TAKEN" });
  for (const kind of ["CLIENT", "SERVER"]) {
    expect(one("clerk.refuse", kind).tags).toMatchObject({ "error.code": "TAKEN" });
    expect(one("clerk.refuse", kind).tags).not.toHaveProperty("error");
  }
  expect(JSON.stringify(spans)).not.toContain("kim");
});

it("a call that gets no answer has its CLIENT span when it is given up", async () => {
  const gateway = await cluster({ gateway: [desk], lost: [clerk(() => "seen")] });
  await expect(ask(gateway, "clerk.file", { timeout: 150 })).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
  const span = await eventually(() => named("clerk.file", "CLIENT")[0]);
  expect(span.tags.error).toBe("REQUEST_TIMEOUT");
  expect(span.duration).toBeGreaterThan(100_000);
});

it("each node that a call is asked of has a span of its own, side by side", async () => {
  const gateway = await cluster({ gateway: [desk], mute: [clerk(never)], able: [clerk(() => "seen")] });
  await expect(Promise.all([1, 2].map(() => ask(gateway, "clerk.look", { timeout: 1500 })))).resolves.toEqual([
    "seen",
    "seen",
  ]);
  const clients = await eventually(() => named("clerk.look", "CLIENT").length === 3 && named("clerk.look", "CLIENT"));
  expect(clients.map(({ tags }) => tags.node).sort()).toEqual(["able", "able", "mute"]);
  expect(new Set(clients.map(({ parentId }) => parentId))).toEqual(new Set([spanIdOf(root)]));
});
