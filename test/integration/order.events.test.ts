import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CloudEvent, Fact } from "../../lib/events";
import { won } from "../../lib/money";
import { nodeOf } from "../../lib/node";
import { isTraceparent, newTraceparent, traceIdOf } from "../../lib/trace";
import { orderEvents } from "../../services/order/order.events";
import type { OrderView } from "../../services/order/order.schema";
import { eventually } from "./node";
import { customer, OrderLab } from "./order.parts";
import { ADMIN, stocked } from "./product.parts";

let lab: OrderLab;
let sku: string;
afterEach(() => lab.stop());

async function start(more: Record<string, string> = {}): Promise<void> {
  lab = await OrderLab.start(more);
  sku = await stocked(lab.node, 100);
}

async function published(): Promise<{ key: string; event: Fact; headers: Record<string, string> }[]> {
  const messages = await nodeOf(lab.node.broker).topics.peek("order-event", "a-reader", 1000);
  return messages.map(({ key, value, headers }) => ({ key, headers, event: JSON.parse(value) as Fact }));
}

/** The facts of an order once there are so many, in the order of the topic. */
async function factsOf({ id }: OrderView, count: number): Promise<CloudEvent[]> {
  const facts = await eventually(async () => {
    const seen = (await published()).filter(({ key }) => key === id).map(({ event }) => event);
    return seen.length >= count && seen;
  }, 20_000);
  expect(facts).toHaveLength(count);
  return facts;
}

const summary = ({ type, data }: CloudEvent) => {
  const { status, reason, amount } = data as { status: string; reason?: string; amount?: { amount: number } };
  return [type, status, ...(reason === undefined ? [] : [reason]), ...(amount ? [amount.amount] : [])];
};

test("an order's way is told step by step, each step once", async () => {
  await start();
  const order = await lab.paid(customer(), sku, 2);
  await lab.ask(ADMIN, "ship", { id: order.id, carrier: "c", trackingNumber: "1" });
  await lab.ask(ADMIN, "deliver", { id: order.id });
  await lab.ask(ADMIN, "refund", { id: order.id, amount: won(500), reason: "scratched" });
  await lab.ask(ADMIN, "refund", { id: order.id, reason: "broken" });
  const facts = await factsOf(order, 6);
  expect(facts.map(summary)).toEqual([
    ["order.placed", "awaiting_payment"],
    ["order.paid", "paid"],
    ["order.shipped", "shipped"],
    ["order.delivered", "delivered"],
    ["order.refunded", "delivered", "scratched", 500],
    ["order.refunded", "refunded", "broken", order.totals.total.amount - 500],
  ]);
  expect(new Set(facts.map(({ id }) => id)).size).toBe(6);
  expect(facts[0]).toMatchObject({
    specversion: "1.0",
    source: "/order",
    subject: order.id,
    datacontenttype: "application/json",
    data: { orderId: order.id, number: order.number, items: [{ sku, quantity: 2 }], totals: order.totals },
  });
  expect(facts[0]?.dataschema).toMatch(/^http:.*\/schemas\/order\.placed\.json$/);
});

test("an order that is cancelled says whether money was given back, and why it ended", async () => {
  await start({ ORDER_PAYMENT_WINDOW: "1" });
  const meta = customer();
  const expired = await lab.place(meta, sku);
  const unpaid = await lab.place(meta, sku);
  const paid = await lab.paid(meta, sku, 3);
  await lab.ask(ADMIN, "refund", { id: paid.id, amount: won(1000), reason: "late" });
  await lab.ask(meta, "cancel", { id: unpaid.id, reason: "changed my mind" });
  await lab.ask(meta, "cancel", { id: paid.id, reason: "too late" });
  expect((await factsOf(unpaid, 2)).map(summary)[1]).toEqual(["order.cancelled", "cancelled", "changed my mind"]);
  expect((await factsOf(expired, 2)).map(summary)[1]).toEqual(["order.cancelled", "cancelled", "expired"]);
  expect((await factsOf(paid, 4)).map(summary).slice(2)).toEqual([
    ["order.refunded", "paid", "late", 1000],
    ["order.cancelled", "cancelled", "too late", paid.totals.total.amount - 1000],
  ]);
});

test("an order that ended while nobody knew whether it was paid is told of once that is known", async () => {
  await start({ ORDER_PAYMENT_WINDOW: "2" });
  const meta = customer();
  const order = await lab.place(meta, sku);
  const paymentKey = await lab.checkout(order);
  lab.provider.fate = () => ({ loseAnswer: true });
  const paying = lab.ask(meta, "pay", { id: order.id, paymentKey, amount: order.totals.total });
  await expect(paying).rejects.toMatchObject({ code: 503 });
  await eventually(async () => (await lab.find(order.id)).status === "cancelled");
  await factsOf(order, 1);
  lab.provider.fate = () => ({});
  const [, end] = await factsOf(order, 2);
  expect(end && summary(end)).toEqual(["order.cancelled", "cancelled", "expired", order.totals.total.amount]);
}, 40_000);

test("nothing personal is in any of them, and each fits its schema", async () => {
  await start();
  const order = await lab.paid(customer(), sku);
  await lab.ask(ADMIN, "refund", { id: order.id, reason: "broken, told Hana at hana@example.com or 010-9876-5432" });
  await factsOf(order, 3);
  const all = await published();
  const text = JSON.stringify(all);
  for (const personal of ["Hong", "010-1234-5678", "Sejong", "4242", "shippingAddress", "paymentKey", "hana@", "9876"])
    expect(text).not.toContain(personal);
  const data = all[0]?.event.data as object;
  for (const wrong of [{ items: 3 }, { shippingAddress: "Sejong-daero 110" }])
    expect(() => orderEvents.entry("order.paid", { ...data, ...wrong } as never)).toThrow("does not fit");
});

test("each carries the trace of what made it, to the end of the order", async () => {
  await start({ ORDER_PAYMENT_WINDOW: "1" });
  const [placing, cancelling] = [newTraceparent(), newTraceparent()];
  const expired = await lab.place({ ...customer(), traceparent: placing }, sku);
  const meta = customer();
  const order = await lab.place({ ...meta, traceparent: placing }, sku);
  await lab.ask({ ...meta, traceparent: cancelling }, "cancel", { id: order.id, reason: "no" });
  const tracesOf = (facts: CloudEvent[]) => facts.map(({ traceparent }) => traceIdOf(traceparent));
  expect(tracesOf(await factsOf(order, 2))).toEqual([traceIdOf(placing), traceIdOf(cancelling)]);
  // Nobody asked for its end: it belongs to the request that placed it.
  expect(tracesOf(await factsOf(expired, 2))).toEqual([traceIdOf(placing), traceIdOf(placing)]);
  for (const { event, headers } of await published()) {
    expect(isTraceparent(event.traceparent)).toBe(true);
    expect(headers).toEqual({
      traceparent: event.traceparent,
      "content-type": "application/cloudevents+json",
    });
  }
});

test("the payment that a webhook told of carries the webhook's trace", async () => {
  await start({ LEASE_MS: "10000" });
  const meta = customer();
  const order = await lab.place(meta, sku);
  const paymentKey = await lab.checkout(order);
  lab.provider.fate = () => ({ loseAnswer: true });
  await lab.ask(meta, "pay", { id: order.id, paymentKey, amount: order.totals.total }).catch(() => undefined);
  lab.provider.fate = () => ({});
  const traceparent = newTraceparent();
  const body = JSON.stringify({
    eventType: "PAYMENT_STATUS_CHANGED",
    createdAt: new Date().toISOString(),
    data: { paymentKey, orderId: order.id, status: "DONE" },
  });
  await lab.node.as({ traceparent }, "payment.webhook", { provider: "sandbox", body, headers: {} });
  const [, paid] = await factsOf(order, 2);
  expect(paid?.type).toBe("order.paid");
  expect(traceIdOf(paid?.traceparent ?? "")).toBe(traceIdOf(traceparent));
});

test("Moleculer listeners hear of each fact after it was published", async () => {
  await start();
  const heard: Fact[] = [];
  lab.node.broker.createService({
    name: "listener",
    events: { "order.*": (ctx: { params: Fact }) => void heard.push(ctx.params) },
  });
  const order = await lab.paid(customer(), sku);
  await eventually(() => heard.length >= 2);
  expect(heard.map(({ type, subject }) => [type, subject])).toEqual([
    ["order.placed", order.id],
    ["order.paid", order.id],
  ]);
});

test("what is no order is not counted, whoever publishes it", async () => {
  await start();
  const order = await lab.paid(customer(), sku, 3);
  const [, paid] = await factsOf(order, 2);
  const { topics } = nodeOf(lab.node.broker);
  const strange = [1e308, -5, 0.5, "7", null].map((quantity, i) => ({
    key: order.id,
    value: JSON.stringify({
      ...paid,
      id: `strange-${i}`,
      data: { ...(paid?.data as object), items: [{ sku, quantity }] },
    }),
    headers: {},
  }));
  await topics.publish("order-event", strange);
  const letters = await eventually(async () => {
    const found = await topics.peek("order-event.dlq", "a-reader", 10);
    return found.length === strange.length && found;
  });
  expect(letters.map(({ headers }) => [headers["x-group"], headers["x-attempts"]])).toEqual(
    strange.map(() => ["product", "1"]),
  );
  expect(await soldOf([sku])).toEqual([3]);
});

test("what was sold is counted once for each event, whatever repeats it, and comes first where popularity counts", async () => {
  await start();
  const seldom = await stocked(lab.node, 100);
  await lab.paid(customer(), seldom, 2);
  const order = await lab.paid(customer(), sku, 3);
  const unpaid = await stocked(lab.node, 100);
  await lab.place(customer(), unpaid, 9);
  await factsOf(order, 2);
  const { topics } = nodeOf(lab.node.broker);
  // A relay that died before it marked publishes all of it again, and again.
  for (let i = 0; i < 3; i++)
    await topics.publish(
      "order-event",
      (await topics.peek("order-event", "a-reader", 1000)).map(({ key, value, headers }) => ({ key, value, headers })),
    );
  const popular = async () =>
    (
      await lab.node.as<{ items: { variants: { sku: string }[] }[] }>({}, "product.list", { sort: "popular", limit: 3 })
    ).items.map(({ variants }) => variants[0]?.sku);
  await eventually(async () => (await topics.lag("order-event", "product")) === 0);
  await eventually(async () => JSON.stringify(await popular()) === JSON.stringify([sku, seldom, unpaid]));
  expect(await soldOf([sku, seldom, unpaid])).toEqual([3, 2, undefined]);
});

/** Units as the events told, from the store's files: no answer of the API shows them. */
async function soldOf(skus: string[]): Promise<(number | undefined)[]> {
  const lines = <T extends { _id: string }>(name: string) => {
    const text = readFileSync(join(lab.node.dataDir, "product", `${name}.db`), "utf8");
    const documents = text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T);
    return new Map(documents.map((document) => [document._id, document]));
  };
  const stock = lines<{ _id: string; productId: string }>("product_stock");
  const sales = lines<{ _id: string; sold: number }>("product_sales");
  return skus.map((one) => sales.get(stock.get(one)?.productId ?? "")?.sold);
}
