import { defineEvents } from "../../lib/events";
import { Id, MoneySchema, OneOf, type Static, Strict, type TSchema, Type } from "../../lib/schema";
import { ORDER_STATUSES } from "./order.schema";

const described = {
  orderId: Id,
  number: Type.String({ description: "what people call the order" }),
  customerId: Id,
  status: OneOf(...ORDER_STATUSES),
  items: Type.Array(Strict({ sku: Type.String(), quantity: Type.Integer({ minimum: 1 }) })),
  totals: Strict({ items: MoneySchema, shipping: MoneySchema, total: MoneySchema }),
};
const reason = Type.String({ description: "of whoever did it, or `expired`" });

/** No address, email or card is in any of them; fields may be added, never taken away or changed. */
const fact = <P extends Record<string, TSchema>>(description: string, more: P) =>
  Strict({ ...described, ...more }, { description });

/** What became of orders, for everybody who needs to know: the facts of the topic `order-event`, keyed by order. */
export const orderEvents = defineEvents({
  topic: "order-event",
  source: "/order",
  schemas: {
    "order.placed": fact("Placed, its stock reserved; it awaits payment.", {}),
    "order.paid": fact("Paid in full.", {}),
    "order.cancelled": fact("Cancelled by somebody or because the time to pay ran out; what it held went back.", {
      reason,
      amount: Type.Optional(MoneySchema),
    }),
    "order.shipped": fact("On its way.", {}),
    "order.delivered": fact("Arrived.", {}),
    "order.refunded": fact("Money was given back; `status` is `refunded` once all of it is.", {
      reason,
      amount: MoneySchema,
    }),
  },
});

export type OrderEventType = keyof typeof orderEvents.schemas;
export type OrderFact<T extends OrderEventType> = Static<(typeof orderEvents.schemas)[T]>;
