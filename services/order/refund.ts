import { after } from "../../lib/time";
import type { PaymentSummary } from "../payment/payment.contract";
import type { Order, Refund, Work } from "./order";
import type { OrderStatus } from "./order.schema";
import { snapshot, type Transition, transition } from "./transitions";

export const REFUNDABLE: OrderStatus[] = ["paid", "shipped", "delivered"];

export const isRefundable = (order: Order): boolean => REFUNDABLE.some((status) => status === order.status);

/** Promises an amount to the customer: never more in all than was captured. */
export const refundPromised = (order: Order, refundId: string, refund: Refund, leaseMs: number): Transition =>
  transition(order, {
    from: {
      status: { $in: REFUNDABLE },
      work: { $nin: ["commit", "undo", "restock"] },
      refundable: { $gte: refund.amount },
      [`refunds.${refundId}`]: { $exists: false },
    },
    next: { work: "refund", due: after(leaseMs) },
    set: { [`refunds.${refundId}`]: refund },
    inc: { refundable: -refund.amount, refundsPending: 1 },
  });

/** The order ends as `refunded` when all that was captured is back; what never left the house is sold again. */
function ended(
  order: Order,
  payment: PaymentSummary,
  leaseMs: number,
): { to?: OrderStatus; next?: { work: Work; due: string } } {
  if (payment.status !== "refunded" || !isRefundable(order)) return {};
  return { to: "refunded", ...(order.status === "paid" && { next: { work: "restock", due: after(leaseMs) } }) };
}

/**
 * A promised refund has been given, whatever became of the order meanwhile. What else is to be done stays: others may
 * have been promised since this one was read.
 */
export function refundGiven(order: Order, refundId: string, payment: PaymentSummary, leaseMs: number): Transition {
  const { by, reason, amount } = order.refunds[refundId] ?? { by: "system", reason: "", amount: 0 };
  return transition(order, {
    from: { status: order.status, [`refunds.${refundId}.status`]: "pending" },
    ...ended(order, payment, leaseMs),
    act: { by, reason, operation: refundId },
    set: { payment: snapshot(payment), [`refunds.${refundId}.status`]: "done" },
    inc: { refundsPending: -1 },
    event: { type: "order.refunded", reason, amount },
  });
}

export const refundRefused = (order: Order, refundId: string, code: string): Transition =>
  transition(order, {
    from: { [`refunds.${refundId}.status`]: "pending" },
    set: { [`refunds.${refundId}.status`]: "failed", [`refunds.${refundId}.code`]: code },
    inc: { refundable: order.refunds[refundId]?.amount ?? 0, refundsPending: -1 },
  });

/** All of the money was given back at the provider, by none of our refunds. */
export function refundedElsewhere(order: Order, payment: PaymentSummary, leaseMs: number): Transition {
  const reason = "refunded at the provider";
  return transition(order, {
    from: { status: order.status, refundsPending: 0, work: { $exists: false } },
    ...ended(order, payment, leaseMs),
    act: { by: "system", reason },
    set: { payment: snapshot(payment), refundable: 0 },
    event: { type: "order.refunded", reason, amount: order.refundable },
  });
}

export const pendingRefunds = (order: Order): string[] =>
  Object.entries(order.refunds)
    .filter(([, refund]) => refund.status === "pending")
    .map(([id]) => id);
