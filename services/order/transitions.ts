import type { OutboxEntry } from "../../lib/events";
import type { Money } from "../../lib/money";
import { withEvent } from "../../lib/outbox";
import { withoutPersonal } from "../../lib/redact";
import { currentTrace } from "../../lib/request-scope";
import type { Change, Filter } from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import type { PaymentSummary } from "../payment/payment.contract";
import type { HistoryEntry, Order, Work } from "./order";
import { type OrderEventType, orderEvents } from "./order.events";
import type { OrderStatus } from "./order.schema";

/** One conditional write: it happens only while the order is in one of the states that it starts from. */
export interface Transition {
  from: Filter;
  change: Change;
}

export interface Act {
  by: string;
  reason?: string;
  operation?: string;
}

interface Step {
  /** What must hold, beside the id. */
  from: Filter;
  /** The new status; absent where it stays as it is, which `from` must then name for an `event`. */
  to?: OrderStatus;
  /** Its line in the history. */
  act?: Act;
  /** What is to be done next: null for nothing, absent where that stays as it is. */
  next?: { work: Work; due: string } | null;
  set?: Record<string, unknown>;
  inc?: Record<string, number>;
  /** The fact that goes out for it. */
  event?: Told;
}

/** Amounts in minor units. */
type Told =
  | { type: Exclude<OrderEventType, "order.cancelled" | "order.refunded"> }
  | { type: "order.cancelled"; reason: string; amount?: number }
  | { type: "order.refunded"; reason: string; amount: number };

const ENDS: OrderStatus[] = ["delivered", "cancelled", "refunded"];

/** Every change of what an order is, or does next, is made here, so that history and event go with it in the one write. */
export function transition(order: Order, { from, to, act, next, set, inc, event }: Step): Transition {
  const status = to ?? order.status;
  const isOver = order.anonymous && to !== undefined && ENDS.includes(to);
  const change: Change = {
    $set: {
      ...(to && { status: to }),
      ...set,
      ...next,
      ...(isOver && { shippingAddress: null }),
      // What is done later for the order belongs to this, too.
      ...currentTrace(),
    },
    $unset: {
      ...(to && to !== "awaiting_payment" && { expiresAt: true }),
      ...(next === null && { work: true, due: true }),
      ...(next !== undefined && { failed: true }),
    },
    ...(inc && { $inc: inc }),
    ...(act && { $push: { history: historyEntry(status, act) } }),
  };
  return {
    from: { _id: order._id, ...from },
    change: event ? withEvent(change, entryOf(order, status, event)) : change,
  };
}

const historyEntry = (status: Order["status"], { by, reason, operation }: Act): HistoryEntry => ({
  // What is not placed yet has no history.
  status: status as OrderStatus,
  at: now(),
  by,
  ...(reason && { reason }),
  ...(operation && { operation }),
});

function entryOf({ _id: orderId, ...order }: Order, status: Order["status"], event: Told): OutboxEntry {
  const { number, customerId, items, totals } = order;
  const said = {
    orderId,
    number,
    customerId,
    status: status as OrderStatus,
    items: items.map(({ sku, quantity }) => ({ sku, quantity })),
    totals,
  };
  const money = (amount: number): Money => ({ ...totals.total, amount });
  if (event.type === "order.refunded")
    return orderEvents.entry(event.type, {
      ...said,
      reason: withoutPersonal(event.reason),
      amount: money(event.amount),
    });
  if (event.type !== "order.cancelled") return orderEvents.entry(event.type, said);
  const { amount } = event;
  const reason = withoutPersonal(event.reason);
  return orderEvents.entry(event.type, { ...said, reason, ...(amount !== undefined && { amount: money(amount) }) });
}

/** What an order keeps of its payment, to be shown. */
export const snapshot = ({
  id,
  rev,
  provider,
  status,
  client,
  refunded,
  paymentKey,
}: PaymentSummary): Order["payment"] => ({
  id,
  rev,
  provider,
  status,
  client,
  refunded,
  ...(paymentKey && { paymentKey }),
});

export const openForPayment = (order: Order, payment: PaymentSummary): Transition =>
  transition(order, {
    from: { status: "placing" },
    to: "awaiting_payment",
    act: { by: order.customerId },
    next: { work: "expire", due: order.expiresAt ?? now() },
    set: { payment: snapshot(payment) },
    event: { type: "order.placed" },
  });

/** A payment is being tried, which only an order in its window can. How it ended is found out, at the latest then. */
export const payTried = (order: Order, leaseMs: number): Transition => {
  const leaseEnd = after(leaseMs);
  const due = order.expiresAt && order.expiresAt < leaseEnd ? order.expiresAt : leaseEnd;
  return transition(order, {
    from: { status: "awaiting_payment", expiresAt: { $gt: now() } },
    next: { work: "settle", due },
  });
};

/** A try has ended without money, by a refusal: nothing is to be found out, unless another try runs meanwhile. */
export const tryRefused = (order: Order): Transition =>
  transition(order, {
    from: { status: "awaiting_payment", work: "settle", due: order.due ?? null },
    next: { work: "expire", due: order.expiresAt ?? now() },
  });

/** What the payment has become without the order asking; an older answer never replaces a newer one. */
export const paymentSeen = (order: Order, payment: PaymentSummary): Transition =>
  transition(order, { from: { "payment.rev": { $lt: payment.rev } }, set: { payment: snapshot(payment) } });

export const markPaid = (order: Order, payment: PaymentSummary, by: string, leaseMs: number): Transition =>
  transition(order, {
    from: { status: "awaiting_payment" },
    to: "paid",
    act: { by },
    next: { work: "commit", due: after(leaseMs) },
    set: { payment: snapshot(payment), refundable: order.totals.total.amount },
    event: { type: "order.paid" },
  });

/** Until it is shipped an order can end; what it held goes back then, and {@link undone} tells of it. */
export const cancelled = (order: Order, act: Act, leaseMs: number): Transition =>
  transition(order, {
    from: { status: { $in: ["awaiting_payment", "paid"] } },
    to: "cancelled",
    act,
    next: { work: "undo", due: after(leaseMs) },
  });

/** Paid and its stock sold: nothing is left to do in between. */
export const shipped = (order: Order, act: Act, shipment: NonNullable<Order["shipment"]>): Transition =>
  transition(order, {
    from: {
      status: "paid",
      work: { $exists: false },
      refundsPending: 0,
      "payment.status": { $ne: "refunded" },
    },
    to: "shipped",
    act,
    next: null,
    set: { shipment },
    event: { type: "order.shipped" },
  });

export const delivered = (order: Order, act: Act): Transition =>
  transition(order, {
    from: { status: "shipped", work: { $exists: false } },
    to: "delivered",
    act,
    next: null,
    event: { type: "order.delivered" },
  });

/** The work is done. Refunds that were promised meanwhile are next, else nothing is due any more. */
export const workDone = (order: Order, more: Pick<Step, "set" | "event"> = {}): Transition =>
  transition(order, {
    from: { work: order.work ?? null, refundsPending: order.refundsPending },
    next: order.refundsPending > 0 ? { work: "refund", due: now() } : null,
    ...more,
  });

/** A cancelled order holds nothing any more: how that ended is known, and told. */
export function undone(order: Order, payment: PaymentSummary): Transition {
  const reason = order.history.findLast(({ status }) => status === "cancelled")?.reason ?? "cancelled";
  const amount = order.payment?.paymentKey ? order.refundable : capturedBy(payment);
  return workDone(order, {
    set: { payment: snapshot(payment) },
    event: { type: "order.cancelled", reason, ...(amount > 0 && { amount }) },
  });
}

/** Money that came while the order died; the payment gives it back. */
const capturedBy = (payment: PaymentSummary): number => (payment.paymentKey ? payment.amount.amount : 0);
