import { isDeepStrictEqual } from "node:util";
import { CloudEvent as Envelope } from "cloudevents";
import { ajv, type CloudEvent } from "../../lib/events";
import type { Received } from "../../lib/topics/topics";
import { type OrderEventType, orderEvents } from "../../services/order/order.events";
import type { Order } from "../e2e/shop";

/** What must have been published once for an order. */
export interface ExpectedFact {
  type: OrderEventType;
  data: Record<string, unknown>;
}

export interface SeenFact {
  id: string;
  type: string;
  data: unknown;
  partition: number;
}

const TYPES: Record<string, OrderEventType> = {
  awaiting_payment: "order.placed",
  paid: "order.paid",
  shipped: "order.shipped",
  delivered: "order.delivered",
  cancelled: "order.cancelled",
};

const validators = new Map(Object.entries(orderEvents.schemas).map(([type, schema]) => [type, ajv.compile(schema)]));

/** The facts that an order's history tells, in order; a line that repeats the status before it is a refund in part. */
export function expectedFacts(order: Order, refunds: readonly number[]): ExpectedFact[] {
  const { id, number, customerId, items, totals } = order;
  const common = {
    orderId: id,
    number,
    customerId,
    items: items.map(({ sku, quantity }) => ({ sku, quantity })),
    totals,
  };
  const money = (amount: number) => ({ ...totals.total, amount });
  const toCome = [...refunds];
  let before: string | undefined;
  let kept = 0;
  return order.history.map(({ status, reason }) => {
    const isRefund = status === "refunded" || status === before;
    const type = isRefund ? "order.refunded" : (TYPES[status] ?? "order.placed");
    before = status;
    const data: Record<string, unknown> = { ...common, status };
    if (isRefund) {
      const amount = toCome.shift() ?? 0;
      kept -= amount;
      Object.assign(data, { reason, amount: money(amount) });
    }
    if (type === "order.paid") kept = totals.total.amount;
    if (type === "order.cancelled") Object.assign(data, { reason, ...(kept > 0 && { amount: money(kept) }) });
    return { type, data };
  });
}

/** A message as the event that it has to be, or what is wrong with it. */
export function readFact(message: Received): SeenFact | string {
  const { key, value, headers, partition } = message;
  try {
    const event = JSON.parse(value) as CloudEvent;
    // Its constructor validates strictly.
    new Envelope({ ...event });
    if (event.subject !== key) return `subject ${event.subject} under the key ${key}`;
    if (headers.traceparent !== event.traceparent) return `${event.type}: the header traceparent is not the event's`;
    const validate = validators.get(event.type);
    if (!validate) return `${event.type} is no fact of orders`;
    if (!validate(event.data)) return `${event.type}: ${ajv.errorsText(validate.errors)}`;
    return { id: event.id, type: event.type, data: event.data, partition };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export interface OrderFindings {
  lost: string[];
  doubled: string[];
  misordered: string[];
  wrong: string[];
}

/** Compares what was seen of an order, in the topic's order, with what must be there. */
export function compareFacts(expected: readonly ExpectedFact[], seen: readonly SeenFact[]): OrderFindings {
  const first = new Map<string, SeenFact>();
  const wrong: string[] = [];
  for (const fact of seen) {
    const known = first.get(fact.id);
    if (!known) first.set(fact.id, fact);
    else if (!isDeepStrictEqual(known, fact)) wrong.push(`${fact.type}: copies of ${fact.id} differ`);
  }
  const open = expected.map((fact, place) => ({ ...fact, place }));
  const doubled: string[] = [];
  const places: number[] = [];
  for (const { type, data } of first.values()) {
    const sameType = open.filter((fact) => fact.type === type);
    const match = sameType.find((fact) => isDeepStrictEqual(fact.data, data)) ?? sameType[0];
    if (!match) {
      doubled.push(type);
      continue;
    }
    if (!isDeepStrictEqual(match.data, data)) wrong.push(`${type}: ${difference(match.data, data)}`);
    open.splice(open.indexOf(match), 1);
    places.push(match.place);
  }
  const inOrder = places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
  const partitions = new Set(seen.map(({ partition }) => partition));
  return {
    lost: open.map(({ type }) => type),
    doubled,
    misordered: [
      ...(inOrder ? [] : [[...first.values()].map(({ type }) => type).join(", ")]),
      ...(partitions.size > 1 ? [`in the partitions ${[...partitions].join(", ")}`] : []),
    ],
    wrong,
  };
}

function difference(expected: Record<string, unknown>, data: unknown): string {
  const got = { ...(data as Record<string, unknown>) };
  const fields = [...new Set([...Object.keys(expected), ...Object.keys(got)])];
  return fields
    .filter((field) => !isDeepStrictEqual(expected[field], got[field]))
    .map((field) => `${field} is ${JSON.stringify(got[field])}, not ${JSON.stringify(expected[field])}`)
    .join("; ");
}
