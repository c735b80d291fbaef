import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { nodeOf } from "../lib/node";
import type { OrderStory } from "../services/order/operations.schema";
import { orderEvents } from "../services/order/order.events";
import { command } from "./command";
import { told } from "./failure";
import {
  type Moment,
  momentsOfEvents,
  momentsOfNotifications,
  momentsOfOrder,
  momentsOfPayment,
} from "./order-timeline";
import { type Column, facts, section, table } from "./table";
import { ago, money, traceOf, whenAndAgo, wrapped } from "./text";

/** Messages of the topic that are looked through for one order. */
const LOOKED_AT = 20_000;

interface Part<T> {
  value?: T;
  /** Why this part of the story is missing. */
  missing?: string;
}

/** What one context does not tell is no reason to say nothing of the others. */
const part = <T>(what: string, ask: Promise<T>): Promise<Part<T>> =>
  ask.then(
    (value) => ({ value }),
    (error: unknown) => ({ missing: `${what}: ${told(error)}` }),
  );

const LINE: Column<Moment>[] = [
  { name: "when (UTC)", cell: ({ at }) => at },
  { name: "where", cell: ({ where }) => where },
  { name: "what", cell: ({ what }) => what, gives: true, tone: ({ bad }) => (bad ? "doubtful" : undefined) },
];

function head(order: OrderStory, payment: string): string {
  const { id, number, status, customerId, items, totals, work, due, shipment, traceparent } = order;
  return facts([
    ["order", `${number} (${id})`],
    ["status", `${status}${work ? `, next: ${work}, due ${whenAndAgo(due)}` : ", nothing left to do"}`],
    ["customer", customerId],
    ["items", items.map(({ sku, quantity }) => `${quantity} x ${sku}`).join(", ")],
    ["total", `${money(totals.total)}, of which shipping ${money(totals.shipping)}`],
    ["payment", payment],
    ...(shipment ? [["shipment", `${shipment.carrier} ${shipment.trackingNumber}`] as [string, string]] : []),
    ["trace", traceOf(traceparent)],
  ]);
}

interface Hold {
  sku: string;
  quantity: number;
  state: string;
  expiresAt?: string;
  at?: string;
}

const HOLDS: Column<Hold>[] = [
  { name: "sku", cell: ({ sku }) => sku, gives: true },
  { name: "quantity", cell: ({ quantity }) => `${quantity}`, right: true },
  { name: "state", cell: ({ state }) => state },
  {
    name: "since or until",
    cell: ({ state, at, expiresAt }) => (state === "reserved" ? `lapses ${ago(expiresAt)}` : whenAndAgo(at)),
  },
];

async function story(broker: ServiceBroker, named: string): Promise<string> {
  const call = callOf(broker);
  const order = await call("order.story", { order: named });
  const { id: orderId, customerId: userId, createdAt } = order;
  const [payment, holds, events, notified] = await Promise.all([
    part("payment", call("payment.story", { orderId })),
    part("stock", call("product.holds", { orderId, skus: order.items.map(({ sku }) => sku) })),
    part("events", nodeOf(broker).topics.ofKey(orderEvents.topic, orderId, createdAt, LOOKED_AT)),
    part("notifications", call("notification.ofOrder", { userId, orderId })),
  ]);
  const moments = [
    ...momentsOfOrder(order),
    ...(payment.value ? momentsOfPayment(payment.value) : []),
    ...momentsOfEvents(events.value ?? []),
    ...momentsOfNotifications(notified.value?.items ?? []),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const { value: paid } = payment;
  const left = paid && paid.left.length > 0 ? `, left to do: ${paid.left.join(", ")}` : "";
  const paidAs = paid ? `${paid.status} at ${paid.provider} (${paid.id})${left}` : "-";
  const missing = [payment, holds, events, notified].flatMap(({ missing: why }) => why ?? []);
  return [
    head(order, paidAs),
    section("Stock", holds.value?.items.length ? table(holds.value.items, HOLDS) : "Nothing is held for it."),
    section("Story", table(moments, LINE)),
    ...(missing.length > 0 ? [section("Not told", missing.map(wrapped).join("\n"))] : []),
  ].join("\n\n");
}

/** One order, from its making to what its customer was told. */
export const orderCommand = command({
  usage: "order <order>",
  description: "An order's whole story, by its id or number: transitions, payment, stock, events, notifications",
  run: (broker, { words: [named = ""] }) => story(broker, named),
});
