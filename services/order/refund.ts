import { after, now } from "../../lib/time";
import type { PaymentSummary } from "../payment/payment.contract";
import { historyEntry, type Order, type Refund, snapshot, type Transition, type Work } from "./order";
import type { OrderStatus } from "./order.schema";

export const REFUNDABLE: OrderStatus[] = ["paid", "shipped", "delivered"];

export const isRefundable = (order: Order): boolean => REFUNDABLE.some((status) => status === order.status);

/** Promises an amount to the customer: never more in all than was captured. */
export const refundPromised = (order: Order, refundId: string, refund: Refund, leaseMs: number): Transition => ({
  from: {
    _id: order._id,
    status: { $in: REFUNDABLE },
    work: { $nin: ["commit", "undo", "restock"] },
    refundable: { $gte: refund.amount },
    [`refunds.${refundId}`]: { $exists: false },
  },
  change: {
    $inc: { refundable: -refund.amount, refundsPending: 1 },
    $set: { [`refunds.${refundId}`]: refund, work: "refund", due: after(leaseMs) },
  },
});

/** The order ends as `refunded` when all that was captured is back; what never left the house is sold again. */
function ended(
  order: Order,
  payment: PaymentSummary,
  leaseMs: number,
): { status?: OrderStatus; work?: Work; due?: string } {
  if (payment.status !== "refunded" || !isRefundable(order)) return {};
  return { status: "refunded", ...(order.status === "paid" && { work: "restock", due: after(leaseMs) }) };
}

const nowWithoutAddress = (order: Order, set: { status?: string }) =>
  order.anonymous && set.status === "refunded" ? { shippingAddress: null } : {};

/**
 * A promised refund has been given, whatever became of the order meanwhile. What else is to be done stays: others may
 * have been promised since this one was read.
 */
export function refundGiven(order: Order, refundId: string, payment: PaymentSummary, leaseMs: number): Transition {
  const { by, reason } = order.refunds[refundId] ?? { by: "system", reason: "" };
  const end = ended(order, payment, leaseMs);
  const status = end.status ?? order.status;
  return {
    from: { _id: order._id, status: order.status, [`refunds.${refundId}.status`]: "pending" },
    change: {
      $set: {
        payment: snapshot(payment),
        [`refunds.${refundId}.status`]: "done",
        ...end,
        ...nowWithoutAddress(order, end),
      },
      $inc: { refundsPending: -1 },
      $push: { history: historyEntry(status as OrderStatus, { by, reason, operation: refundId }) },
    },
  };
}

export const refundRefused = (order: Order, refundId: string, code: string): Transition => ({
  from: { _id: order._id, [`refunds.${refundId}.status`]: "pending" },
  change: {
    $set: { [`refunds.${refundId}.status`]: "failed", [`refunds.${refundId}.code`]: code },
    $inc: { refundable: order.refunds[refundId]?.amount ?? 0, refundsPending: -1 },
  },
});

/** All of the money was given back at the provider, by none of our refunds. */
export function refundedElsewhere(order: Order, payment: PaymentSummary, leaseMs: number): Transition {
  const end = ended(order, payment, leaseMs);
  return {
    from: { _id: order._id, status: order.status, refundsPending: 0, work: { $exists: false } },
    change: {
      $set: { payment: snapshot(payment), refundable: 0, ...end, ...nowWithoutAddress(order, end) },
      $push: { history: historyEntry("refunded", { by: "system", reason: "refunded at the provider" }, now()) },
    },
  };
}

export const pendingRefunds = (order: Order): string[] =>
  Object.entries(order.refunds)
    .filter(([, refund]) => refund.status === "pending")
    .map(([id]) => id);
