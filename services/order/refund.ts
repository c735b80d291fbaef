import { after } from "../../lib/time";
import type { PaymentSummary } from "../payment/payment.contract";
import { move, type Order, type Refund, snapshot, type Transition, type Work } from "./order";
import type { OrderStatus } from "./order.schema";

export const REFUNDABLE: OrderStatus[] = ["paid", "shipped", "delivered"];

/** Promises an amount to the customer: never more in all than was captured. */
export const refundPromised = (order: Order, refundId: string, refund: Refund, leaseMs: number): Transition => ({
  from: {
    _id: order._id,
    status: { $in: REFUNDABLE },
    work: { $nin: ["commit", "undo"] },
    refundable: { $gte: refund.amount },
    [`refunds.${refundId}`]: { $exists: false },
  },
  change: {
    $inc: { refundable: -refund.amount },
    $set: { [`refunds.${refundId}`]: refund, work: "refund", due: after(leaseMs) },
  },
});

/** A promised refund has been given: once all that was captured is back, the order is `refunded`. */
export function refundGiven(order: Order, refundId: string, payment: PaymentSummary, leaseMs: number): Transition {
  const { by, reason } = order.refunds[refundId] ?? { by: "system", reason: "" };
  const all = payment.status === "refunded";
  const neverShipped = order.status === "paid";
  const next: { work: Work; due: string } | null =
    all && neverShipped ? { work: "restock", due: after(leaseMs) } : morePending(order, refundId, leaseMs);
  const to = all ? "refunded" : (order.status as OrderStatus);
  const { from, change } = move(order, [...REFUNDABLE], to, { by, reason, operation: refundId }, next, {
    payment: snapshot(payment),
    [`refunds.${refundId}.status`]: "done",
  });
  return { from: { ...from, [`refunds.${refundId}.status`]: "pending", status: order.status }, change };
}

function morePending(order: Order, exceptId: string, leaseMs: number): { work: Work; due: string } | null {
  const more = pendingRefunds(order).some((id) => id !== exceptId);
  return more ? { work: "refund", due: after(leaseMs) } : null;
}

export const refundRefused = (order: Order, refundId: string, code: string): Transition => ({
  from: { _id: order._id, [`refunds.${refundId}.status`]: "pending" },
  change: {
    $set: { [`refunds.${refundId}.status`]: "failed", [`refunds.${refundId}.code`]: code },
    $inc: { refundable: order.refunds[refundId]?.amount ?? 0 },
  },
});

export const pendingRefunds = (order: Order): string[] =>
  Object.entries(order.refunds)
    .filter(([, refund]) => refund.status === "pending")
    .map(([id]) => id);
