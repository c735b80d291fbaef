import type { NodePorts, ShopNode } from "../../lib/infra/nodes";
import { freePorts } from "../../lib/infra/ports";
import { newTraceparent, spanIdOf, traceIdOf } from "../../lib/trace";
import type { NodeView, ServiceView } from "../../services/api/ops.schema";
import { type Collector, startCollector } from "../integration/collector";
import { eventually } from "../integration/node";
import { ProjectCopy } from "./project-copy";
import { expectStatus, Shop, type Tokens } from "./shop";
import { Talk } from "./talk";

const UNKNOWN = "There is no such product.";
const CATALOGUE = "services/product/catalogue.actions.ts";
const SERVICE = "services/product/product.service.ts";
/** What a process may have open, as Node calls it: servers, watches of files, and timers. */
const KINDS = ["TCPServerWrap", "FSEventWrap", "Timeout"];

let copy: ProjectCopy;
let collector: Collector;
let ports: NodePorts;
let shop: Shop;
let dev: ShopNode;
let admin: string;
let kim: Tokens;
let talk: Talk;
let ordered: string[];
let openAtFirst: Record<string, number>;
beforeAll(async () => {
  copy = new ProjectCopy();
  collector = await startCollector();
  const [http = 0, ops = 0, sandbox = 0] = await freePorts(3);
  ports = { http, ops, sandbox };
  shop = new Shop(`http://127.0.0.1:${http}`);
  const servers = { NATS_URL: "", MONGO_URL: "", REDIS_URL: "", KAFKA_BROKERS: "" };
  dev = copy.dev({ ports, env: { ...servers, NODE_ENV: "development", ZIPKIN_URL: collector.url } });
  await dev.ready();
  admin = (await shop.admin()).accessToken;
  kim = await shop.register("Kim");
  talk = await Talk.begin(shop, kim, await shop.login("agent@example.com", "demo-password-1234"));
  ordered = [];
  await order();
  openAtFirst = await open();
});
afterAll(async () => {
  talk?.close();
  await dev.kill();
  await collector.close();
  copy.remove();
});

/** What an edit made true, asked for over HTTP; while something is reloaded nobody may be there to answer. */
const soon = (look: () => Promise<boolean>) => eventually(() => look().catch(() => false), 15_000);

const refusal = async () => (await shop.call<{ detail: string }>("GET", "/products/unknown")).body.detail;
const products = async () => (await shop.products("?limit=1")).length;
const metrics = async () => (await fetch(`http://127.0.0.1:${ports.ops}/metrics`)).text();
const apiDocument = async () => JSON.stringify((await shop.call("GET", "/openapi.json")).body);
const banners = () => dev.output().split("The shop is ready").length - 1;
const ofAdmin = async <T>(path: string) => expectStatus(await shop.call<T>("GET", path, { token: admin }), 200);
const detailFor = async (path: string, token = kim.accessToken) =>
  (await shop.call<{ detail: string }>("GET", path, { token })).body.detail;

/** How much of each kind the process has open. */
async function open(): Promise<Record<string, number>> {
  const text = await metrics();
  const count = (kind: string) =>
    Number(new RegExp(`^nodejs_active_resources\\{type="${kind}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return Object.fromEntries(KINDS.map((kind) => [kind, count(kind)]));
}

/** Places an order and answers its shipping fee. */
async function order(): Promise<number> {
  const [product] = await shop.products();
  const items = [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }];
  const { id, totals } = expectStatus(await shop.place(kim.accessToken, items), 201);
  ordered.push(id);
  return totals.shipping.amount;
}

/** What was written before is there, more can be written, and the two people still talk. */
async function goesOn(): Promise<void> {
  await order();
  await talk.exchange();
  for (const id of ordered) expect((await shop.order(kim.accessToken, id)).status).toBe("awaiting_payment");
  expect(await talk.history()).toEqual(talk.said);
}

async function configure(application: string, properties: Record<string, unknown>): Promise<void> {
  const path = `/config/${application}/default`;
  expectStatus(await shop.call("PUT", path, { token: admin, body: { properties } }), 200);
}
const setFee = (fee: number) => configure("order", { "order.shippingFee": fee });

it("says its addresses and accounts once it is ready", async () => {
  await eventually(() => banners() === 1);
  for (const text of [`http://localhost:${ports.http}/docs`, "customer@example.com"])
    expect(dev.output()).toContain(text);
});

it("answers with the new code of a file that a service imports, and keeps data, connections and configuration", async () => {
  await setFee(1234);
  const sockets = talk.socketIds;
  copy.edit(CATALOGUE, UNKNOWN, "Edited.");
  copy.edit("services/chat/access.ts", "There is no such conversation.", "Edited conversation.");
  copy.edit("services/order/access.ts", "There is no such order.", "Edited order.");
  copy.edit("services/config/catalogue.ts", "There is no such application.", "Edited application.");
  await soon(async () => (await refusal()) === "Edited.");
  await soon(async () => (await detailFor("/conversations/unknown")) === "Edited conversation.");
  await soon(async () => (await detailFor("/orders/unknown")) === "Edited order.");
  await soon(async () => (await detailFor("/config/unknown/default", admin)) === "Edited application.");
  await goesOn();
  expect(await order()).toBe(1234);
  expect([talk.socketIds, talk.customer.endings]).toEqual([sockets, []]);
});

it("answers with the new code of the gateway on the same port, and who is connected comes back", async () => {
  const sockets = talk.socketIds;
  copy.edit("services/api/api.service.ts", "This API as an OpenAPI 3.1 document", "Edited summary");
  await soon(async () => (await apiDocument()).includes("Edited summary"));
  await eventually(() => talk.isConnected);
  expect([talk.customer.endings, talk.agent.endings]).toEqual([["shutdown"], ["shutdown"]]);
  expect(talk.socketIds).not.toEqual(sockets);
  await goesOn();
});

it.each([
  ["an imported file does not parse", CATALOGUE, "const broken = {{{", /catalogue\.actions\.ts:\d+:\d+: ERROR/],
  ["an imported file throws", CATALOGUE, 'throw new Error("broken");', /broken\n.*catalogue\.actions\.ts:\d+:\d+/],
  ["a service file does not parse", SERVICE, "const broken = {{{", /product\.service\.ts:\d+:\d+: ERROR/],
])("goes on with the old code while %s, and says where", async (_, file, broken, where) => {
  const good = copy.read(file);
  const before = await refusal();
  const said = dev.output().length;
  copy.append(file, `\n${broken}\n`);
  await eventually(() => where.test(dev.output().slice(said)));
  expect([await refusal(), await products()]).toEqual([before, 1]);
  // Mending the file is enough, nobody has to touch another one.
  copy.write(file, good);
  copy.edit(CATALOGUE, before, `${before} Mended.`);
  await soon(async () => (await refusal()) === `${before} Mended.`);
  expect(await products()).toBe(1);
});

it("goes on with the old code while a service fails to be made from its new one", async () => {
  const before = await refusal();
  const start = "export default function productService(broker: ServiceBroker): ServiceSchema {";
  copy.edit(SERVICE, start, `${start}\n  if (broker) throw new Error("not made");`);
  await eventually(() => /not made\n.*product\.service\.ts:\d+/.test(dev.output()));
  expect([await refusal(), await products()]).toEqual([before, 1]);
  copy.edit(SERVICE, '\n  if (broker) throw new Error("not made");', "");
  copy.edit(CATALOGUE, before, "Made.");
  await soon(async () => (await refusal()) === "Made.");
});

it("starts the broker again with an edited kernel file, unless that does not load", async () => {
  const help = "Time that an action took on this node, by outcome";
  copy.edit("lib/metrics.ts", help, "Edited help");
  copy.edit("lib/metrics.ts", "export class Metrics {", "export class {{{ Metrics {");
  await eventually(() => /metrics\.ts:\d+:\d+: ERROR/.test(dev.output()));
  expect([(await metrics()).includes(help), await products()]).toEqual([true, 1]);
  copy.edit("lib/metrics.ts", "export class {{{ Metrics {", "export class Metrics {");
  await soon(async () => (await metrics()).includes("Edited help"));
  await dev.ready();
  await eventually(() => talk.isConnected);
  await goesOn();
});

it("is one running node after that, with each service once, and follows its configuration", async () => {
  const { items: nodes } = await ofAdmin<{ items: NodeView[] }>("/ops/nodes");
  const { items: services } = await ofAdmin<{ items: ServiceView[] }>("/ops/services");
  const names = services.map(({ name }) => name);
  expect(nodes).toEqual([expect.objectContaining({ state: "running", services: names })]);
  expect(names).toEqual([...new Set(names)]);
  expect(names).toEqual(expect.arrayContaining(["api", "chat", "config", "order", "payment", "product"]));
  for (const { nodes: hosts } of services) expect(hosts).toEqual([nodes[0]?.id]);
  expect(await order()).toBe(1234);
  const said = dev.output().length;
  await configure("application", { "log.level": "info" });
  await setFee(4321);
  await eventually(async () => (await order()) === 4321);
  await eventually(() => dev.output().slice(said).includes("the configuration changed"));
  await configure("application", { "log.level": null });
});

it("measures and traces everything once", async () => {
  const helps = (await metrics()).match(/^# HELP \S+/gm) ?? [];
  expect(helps).toEqual([...new Set(helps)]);
  await eventually(async () => /^shop_ready 1$/m.test(await metrics()));
  const traceparent = newTraceparent();
  await shop.call("GET", "/products/unknown", { headers: { traceparent } });
  const spans = await eventually(() => {
    const seen = collector.spans.filter(({ traceId }) => traceId === traceIdOf(traceparent));
    return seen.some(({ kind }) => kind === "SERVER") && seen;
  });
  expect(spans.filter(({ parentId }) => parentId === spanIdOf(traceparent))).toHaveLength(1);
  expect(new Set(spans.map(({ id }) => id)).size).toBe(spans.length);
});

it("leaves nothing open of what it has replaced", async () => {
  for (const kind of KINDS) {
    expect(openAtFirst[kind]).toBeGreaterThan(0);
    await eventually(async () => Number((await open())[kind]) <= Number(openAtFirst[kind]), 5000);
  }
  expect(dev.output()).not.toMatch(/MaxListenersExceeded|already been registered/);
});

it("refuses to host what is no service, naming those there are, and none at all", async () => {
  const refusals = [["--only", "order,orders"], ["--only"], ["--only=,"]].map(async (args) => {
    const refused = copy.dev({ ports, env: {}, args });
    return { code: (await refused.exited).code, why: refused.output().split("\n").at(-1) };
  });
  expect(await Promise.all(refusals)).toEqual([
    {
      code: 1,
      why: expect.stringMatching(/--only names what is not a service here: orders; there are api, .*, user$/),
    },
    { code: 1, why: expect.stringContaining("argument missing") },
    { code: 1, why: expect.stringContaining("--only names no service") },
  ]);
});

it("reloads after the broker's second start too, says its addresses once, and ends with 0", async () => {
  copy.edit(CATALOGUE, await refusal(), "Edited again.");
  await soon(async () => (await refusal()) === "Edited again.");
  expect(banners()).toBe(1);
  dev.signal("SIGTERM");
  expect(await dev.exited).toEqual({ code: 0, signal: null });
});
