import type { ActionSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { conflict, invalid } from "../../lib/errors";
import { CURRENCY } from "../../lib/money";
import { now } from "../../lib/time";
import { operationId } from "../../mixins/idempotency.mixin";
import { shown, visibleOrder } from "./access";
import { hasOperation, type Order, type Refund } from "./order";
import type { OrderProcess } from "./order.process";
import { OrderParams, OrderView, RefundParams, ShipParams } from "./order.schema";
import type { OrderStore } from "./order.store";
import { isRefundable, refundPromised } from "./refund";
import { delivered, shipped } from "./transitions";

interface Parts {
  orders: OrderStore;
  process: OrderProcess;
  leaseMs: number;
  /** For what asks `payment`, in milliseconds. */
  timeout: number;
}

const wrongState = (order: Order, deed: string) =>
  conflict("ORDER_STATE", `An order that is ${order.status} cannot be ${deed}.`);

/** What only admins do with an order. Each is done once for an `Idempotency-Key`, also over a crash in between. */
export function adminActions({ orders, process, leaseMs, timeout }: Parts): Record<string, ActionSchema> {
  return {
    ship: action({
      rest: "POST /orders/:id/ship",
      access: ["admin"],
      summary: "A paid order is on its way",
      idempotency: "optional",
      params: ShipParams,
      returns: OrderView,
      errors: [
        [404, "ORDER_NOT_FOUND"],
        [409, "ORDER_STATE"],
      ],
      async handler(ctx) {
        const { id, carrier, trackingNumber } = ctx.params;
        const act = { by: callerOf(ctx).id, operation: operationId(ctx) };
        const order = await visibleOrder(orders, id, callerOf(ctx), true);
        if (hasOperation(order, act.operation)) return shown(order, callerOf(ctx));
        const ready = await process.settled(callOf(ctx), order);
        const changed = await orders.apply(shipped(ready, act, { carrier, trackingNumber }));
        if (!changed) throw wrongState(ready, "shipped");
        return shown(changed, callerOf(ctx));
      },
    }),

    deliver: action({
      rest: "POST /orders/:id/deliver",
      access: ["admin"],
      summary: "A shipped order has arrived",
      idempotency: "optional",
      params: OrderParams,
      returns: OrderView,
      errors: [
        [404, "ORDER_NOT_FOUND"],
        [409, "ORDER_STATE"],
      ],
      async handler(ctx) {
        const act = { by: callerOf(ctx).id, operation: operationId(ctx) };
        const order = await visibleOrder(orders, ctx.params.id, callerOf(ctx), true);
        if (hasOperation(order, act.operation)) return shown(order, callerOf(ctx));
        const changed = await orders.apply(delivered(order, act));
        if (!changed) throw wrongState(order, "delivered");
        return shown(changed, callerOf(ctx));
      },
    }),

    refund: action({
      rest: "POST /orders/:id/refund",
      access: ["admin"],
      summary: "Gives back a part, or without an amount all that is left",
      idempotency: "optional",
      timeout,
      params: RefundParams,
      returns: OrderView,
      errors: [
        [404, "ORDER_NOT_FOUND"],
        [409, "ORDER_STATE"],
        [409, "REFUND_EXCEEDS_PAYMENT"],
        [409, "REFUND_REFUSED"],
        [503, "PAYMENT_OUTCOME_UNKNOWN"],
      ],
      async handler(ctx) {
        const refundId = operationId(ctx);
        const order = await visibleOrder(orders, ctx.params.id, callerOf(ctx), true);
        if (order.refunds[refundId])
          return shown(given(await process.refund(callOf(ctx), order), refundId), callerOf(ctx));
        const ready = order.work === "refund" ? order : await process.settled(callOf(ctx), order);
        const amount = requestedAmount(ready, ctx.params.amount);
        const refund: Refund = {
          amount,
          reason: ctx.params.reason,
          by: callerOf(ctx).id,
          at: now(),
          status: "pending",
        };
        const promised = await orders.apply(refundPromised(ready, refundId, refund, leaseMs));
        if (!promised) throw await refusal(ready, amount);
        crashPoint("order.refund-promised");
        return shown(given(await process.refund(callOf(ctx), promised), refundId), callerOf(ctx));
      },
    }),
  };

  async function refusal(order: Order, amount: number): Promise<Error> {
    const current = (await orders.get(order._id)) ?? order;
    if (!isRefundable(current)) return wrongState(current, "refunded");
    if (current.refundable < amount) return exceeds();
    return wrongState(current, "refunded now");
  }
}

const exceeds = () => conflict("REFUND_EXCEEDS_PAYMENT", "More than what is left of the payment cannot be refunded.");

function requestedAmount(order: Order, asked: { amount: number; currency: string } | undefined): number {
  const amount = asked?.amount ?? order.refundable;
  if (asked && (asked.currency !== CURRENCY || asked.amount === 0))
    throw invalid([{ path: "amount", message: `must be more than nothing, in ${CURRENCY}` }]);
  if (!isRefundable(order)) throw wrongState(order, "refunded");
  if (amount === 0) throw exceeds();
  return amount;
}

function given(order: Order, refundId: string): Order {
  const refund = order.refunds[refundId];
  if (refund?.status !== "failed") return order;
  if (refund.code === "REFUND_EXCEEDS_PAYMENT") throw exceeds();
  throw conflict("REFUND_REFUSED", "The payment provider refused to give the money back.");
}
