import { Id, MoneySchema, OneOf, ShownText, type Static, Strict, Timestamp, Type } from "../../lib/schema";
import { ORDER_STATUSES, OrderView } from "./order.schema";

/** Who looks after the shop, as its console tells. */
const Operator = ShownText(200);
const Status = OneOf(...ORDER_STATUSES, "placing");

export const StuckParams = Strict({ limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }) });
export const RetryParams = Strict({ order: Type.String({ minLength: 1, maxLength: 64 }), operator: Operator });
export const StoryParams = Strict({ order: Type.String({ minLength: 1, maxLength: 64, description: "id or number" }) });

const Due = {
  work: Type.Optional(Type.String({ description: "what its process does next" })),
  due: Type.Optional(Timestamp),
  failed: Type.Optional(Type.Object({ times: Type.Integer(), at: Timestamp, error: Type.String() })),
};

export const StuckOrder = Type.Object({ id: Id, number: Type.String(), status: Status, ...Due, createdAt: Timestamp });
export type StuckOrder = Static<typeof StuckOrder>;
export const StuckOrders = Type.Object({ items: Type.Array(StuckOrder), more: Type.Boolean() });

/** Without the address: nobody needs it to see why an order does not go on. */
export const OrderStory = Type.Object({
  ...StuckOrder.properties,
  customerId: Id,
  items: OrderView.properties.items,
  totals: OrderView.properties.totals,
  shipment: OrderView.properties.shipment,
  history: OrderView.properties.history,
  refunds: Type.Array(
    Type.Object({
      id: Type.String(),
      amount: MoneySchema,
      status: Type.String(),
      reason: Type.String(),
      by: Type.String(),
      at: Timestamp,
      code: Type.Optional(Type.String()),
    }),
  ),
  expiresAt: Type.Optional(Timestamp),
  traceparent: Type.Optional(Type.String({ description: "the trace of what changed it last" })),
  waiting: Type.Array(Type.Object({ id: Id, type: Type.String(), time: Timestamp }), {
    description: "events that are not in the topic yet",
  }),
});
export type OrderStory = Static<typeof OrderStory>;
