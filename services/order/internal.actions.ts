import type { ActionSchema } from "moleculer";
import { action, callOf } from "../../lib/actions";
import { Nothing } from "../../lib/schema";
import { forgetAnswers } from "../../mixins/idempotency.mixin";
import type { CartStore } from "./cart.store";
import type { OrderProcess } from "./order.process";
import { AnonymiseParams, OfCustomerParams, OrderLines, PaymentChangedParams } from "./order.schema";
import type { OrderStore } from "./order.store";
import { orderLine } from "./view";

interface Parts {
  orders: OrderStore;
  carts: CartStore;
  process: OrderProcess;
  /** For what asks `payment`, in milliseconds. */
  timeout: number;
}

/** What other contexts tell: `order.contract.ts` says what each promises. */
export function internalActions({ orders, carts, process, timeout }: Parts): Record<string, ActionSchema> {
  return {
    paymentChanged: action({
      params: PaymentChangedParams,
      returns: Nothing,
      timeout,
      async handler(ctx) {
        const order = await orders.get(ctx.params.orderId);
        if (order) await process.paymentChanged(callOf(ctx), order);
        return null;
      },
    }),

    ofCustomer: action({
      params: OfCustomerParams,
      returns: OrderLines,
      retryable: true,
      async handler({ params: { customerId, limit } }) {
        const { items } = await orders.list({ customerId }, { limit });
        return { items: items.flatMap(orderLine) };
      },
    }),

    anonymise: action({
      params: AnonymiseParams,
      returns: Nothing,
      async handler(ctx) {
        const { customerId } = ctx.params;
        await orders.anonymise(customerId);
        for (const waiting of await orders.waiting(customerId))
          await process.cancel(callOf(ctx), waiting, { by: "system", reason: "account erased" });
        await carts.forget(customerId);
        await forgetAnswers(ctx.service ?? {}, customerId);
        return null;
      },
    }),
  };
}
