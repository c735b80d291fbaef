import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceNames } from "../../lib/hosting";
import { type Servers, servers } from "../../lib/infra";
import { launchNode, nodePorts, type ShopNode } from "../../lib/infra/nodes";
import { freeRange } from "../../lib/infra/ports";
import { newTraceparent, spanIdOf, traceIdOf } from "../../lib/trace";
import type { ZipkinSpan } from "../../lib/tracing/span";
import { commandOf } from "../compiled";
import { ADDRESS, expectStatus, type Order, Shop, type Tokens } from "../e2e/shop";
import { above, lineOf, ofKind, withoutParent } from "../e2e/traces";
import { eventually } from "../integration/node";
import { call, connected, open } from "../integration/sockets.parts";
import { withServers } from "./servers";

/** What hosts what: every call between these goes over NATS. */
const APART = [["api"], ["order", "product"], ["payment"], ["notification"]];
const GROUPS = [...APART, serviceNames().filter((name) => !APART.flat().includes(name))];

withServers(["nats", "mongo", "redis", "kafka", "zipkin"], "a cluster that tells a Zipkin server", (env) => {
  const dir = mkdtempSync(join(tmpdir(), "shop-zipkin-"));
  let set: Servers;
  let zipkin: string;
  let nodes: ShopNode[] = [];
  let shop: Shop;
  let kim: Tokens;
  let sku: string;

  beforeAll(async () => {
    set = servers({ dir, basePort: await freeRange(10), names: ["zipkin"], given: {} });
    await set.start();
    zipkin = (await set.env()).ZIPKIN_URL ?? "";
    const base = await freeRange(10 * GROUPS.length);
    const origin = `http://127.0.0.1:${nodePorts(base, 0).http}`;
    const common = {
      ...env,
      ZIPKIN_URL: zipkin,
      WEB_URL: origin,
      NODE_ENV: "test",
      RATE_LIMIT: "off",
      LOG_LEVEL: "warn",
    };
    nodes = GROUPS.map((services, index) =>
      launchNode({
        name: services.join("-"),
        services,
        command: commandOf("bin/start"),
        ports: nodePorts(base, index),
        env: common,
      }),
    );
    await Promise.all(nodes.map((node) => node.ready(120_000)));
    shop = new Shop(origin);
    kim = await eventually(() => shop.register("Kim Yuna").catch(() => undefined), 30_000);
    const [product] = await eventually(() => shop.products().catch(() => undefined), 30_000);
    sku = product?.variants[0]?.sku ?? "";
  }, 180_000);
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await set.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  const asked = async <T>(path: string): Promise<T | undefined> => {
    const response = await fetch(`${zipkin}/api/v2${path}`);
    return response.ok ? ((await response.json()) as T) : undefined;
  };
  const names = (spans: ZipkinSpan[], kind: ZipkinSpan["kind"]) =>
    [...new Set(ofKind(spans, kind).map(lineOf))].sort().map((line) => line.replace(`${kind} `, ""));

  /** The trace as Zipkin has it, once it is whole and each of the groups has had its part. */
  const traceWith = (traceId: string, groups: string[], parent?: string) =>
    eventually(async () => {
      const spans = (await asked<ZipkinSpan[]>(`/trace/${traceId}`)) ?? [];
      const seen = ofKind(spans, "CONSUMER").map(({ tags }) => tags.group);
      const [first, ...others] = withoutParent(spans);
      return (
        groups.every((group) => seen.includes(group)) && others.length === 0 && first?.parentId === parent && spans
      );
    }, 30_000);

  async function placed(traceparent?: string): Promise<Order> {
    const body = { items: [{ sku, quantity: 1 }], shippingAddress: ADDRESS };
    const headers: Record<string, string> = traceparent ? { traceparent } : {};
    const options = { token: kim.accessToken, key: newTraceparent(), body, headers };
    return expectStatus(await shop.call<Order>("POST", "/orders", options), 201);
  }

  it("has a paid order as one trace over five processes, Kafka and a payment gateway", async () => {
    const [placing, paying] = [newTraceparent(), newTraceparent()];
    const order = await placed(placing);
    const paymentKey = await shop.checkout(order);
    const body = { paymentKey, amount: order.payment.client.amount };
    const options = { token: kim.accessToken, key: order.id, body, headers: { traceparent: paying } };
    expectStatus(await shop.call("POST", `/orders/${order.id}/payment`, options), 200);

    const groups = ["notification", "chat", "product"];
    const spans = await traceWith(traceIdOf(paying), groups, spanIdOf(paying));
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(paying)]));
    expect(names(spans, "SERVER")).toEqual(
      expect.arrayContaining(["api post orders/:id/payment", "order order.pay", "payment payment.confirm"]),
    );
    expect(names(spans, "CLIENT")).toEqual(
      expect.arrayContaining(["api order.pay", "order payment.confirm", "payment sandbox confirm"]),
    );
    expect(names(spans, "PRODUCER")).toEqual(["order publish order-event"]);
    for (const consumer of ofKind(spans, "CONSUMER"))
      expect(above(spans, consumer).map(lineOf)).toEqual([
        "PRODUCER order publish order-event",
        "SERVER order order.pay",
        "CLIENT api order.pay",
        "SERVER api post orders/:id/payment",
      ]);

    const placingSpans = await traceWith(traceIdOf(placing), groups, spanIdOf(placing));
    expect(names(placingSpans, "SERVER")).toContain("order order.place");
  }, 60_000);

  it("has a message as one trace, from the socket to what heard of it", async () => {
    const client = await connected(open(shop.origin, kim.accessToken));
    const { id } = await call<{ id: string }>(client, "chat.open", { subject: "Help" });
    await call(client, "chat.send", { conversationId: id, clientMsgId: "m1", text: "Where is it?" });
    const traceId = await eventually(async () => {
      const found = await asked<ZipkinSpan[][]>("/traces?serviceName=api&spanName=chat.send");
      return found?.[0]?.[0]?.traceId;
    }, 20_000);
    const spans = await traceWith(traceId, ["notification"]);
    expect(above(spans, ofKind(spans, "CONSUMER")[0] as ZipkinSpan).map(lineOf)).toEqual([
      "PRODUCER chat publish chat-message",
      "SERVER chat chat.send",
      "CLIENT api chat.send",
      "SERVER api chat.send",
    ]);
  }, 60_000);

  it("draws who depends on whom", async () => {
    const links = await eventually(async () => {
      const found = await asked<{ parent: string; child: string }[]>(`/dependencies?endTs=${Date.now()}`);
      return found?.map(({ parent, child }) => `${parent} > ${child}`);
    });
    const wanted = ["api > order", "order > payment", "payment > sandbox", "order > kafka", "kafka > notification"];
    expect(links).toEqual(expect.arrayContaining(wanted));
  });

  it("has nothing that says who it was about", async () => {
    const stored: unknown[] = [];
    for (const service of (await asked<string[]>("/services")) ?? [])
      stored.push(await asked(`/traces?serviceName=${service}&limit=1000`));
    const text = JSON.stringify(stored);
    expect(text).toContain("order.place");
    const { user, accessToken, refreshToken } = kim;
    const personal = [user.email, user.name, user.id, accessToken, refreshToken, "Where is it?", "@example.com"];
    for (const secret of [...personal, ...Object.values(ADDRESS).slice(0, -1)]) expect(text).not.toContain(secret);
  });

  it("serves on while Zipkin hangs, is ready, and each node ends in time", async () => {
    await set.pause();
    await placed();
    const [gateway] = nodes as [ShopNode];
    const { ops } = gateway.ports;
    expect((await fetch(`http://127.0.0.1:${ops}/health/ready`)).status).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text()).toMatch(
      /^shop_trace_spans_total\{outcome="exported"\} [1-9]/m,
    );
    const began = performance.now();
    const exits = await Promise.all(nodes.map((node) => node.stop()));
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(exits).toEqual(nodes.map(() => ({ code: 0, signal: null })));
    await set.resume();
  }, 60_000);
});
