import { PostalAddress } from "../../lib/postal-address";
import {
  Id,
  ItemsOf,
  MoneySchema,
  OneOf,
  PageOf,
  pageParams,
  ShownText,
  type Static,
  Strict,
  Timestamp,
  Type,
} from "../../lib/schema";

export const Sku = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9._-]+$" });
export const Quantity = Type.Integer({ minimum: 1, maximum: 99 });
export const Reason = ShownText(500);
/** The customer's own statement of the amount: an integer in minor units as payment providers give it, or money. */
export const StatedAmount = Type.Union([Type.Integer({ minimum: 0 }), MoneySchema]);

export const ORDER_STATUSES = ["awaiting_payment", "paid", "shipped", "delivered", "cancelled", "refunded"] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

const Totals = Type.Object({ items: MoneySchema, shipping: MoneySchema, total: MoneySchema });
const OrderItem = Type.Object({
  sku: Type.String(),
  productId: Type.String(),
  name: Type.String(),
  unitPrice: MoneySchema,
  quantity: Type.Integer(),
  lineTotal: MoneySchema,
});
export type OrderItem = Static<typeof OrderItem>;

export const OrderView = Type.Object({
  id: Id,
  number: Type.String(),
  customerId: Id,
  status: OneOf(...ORDER_STATUSES),
  items: Type.Array(OrderItem),
  totals: Totals,
  shippingAddress: Type.Union([PostalAddress, Type.Null()], { description: "null once its customer is erased" }),
  payment: Type.Object({
    id: Id,
    provider: Type.String(),
    status: OneOf("ready", "paid", "failed", "cancelled", "partially_refunded", "refunded"),
    client: Type.Record(Type.String(), Type.Unknown(), { description: "what the client needs to pay" }),
    refunded: MoneySchema,
  }),
  shipment: Type.Optional(Type.Object({ carrier: Type.String(), trackingNumber: Type.String() })),
  history: Type.Array(
    Type.Object({
      status: OneOf(...ORDER_STATUSES),
      at: Timestamp,
      by: Type.String({ description: "a user's id, or `system`" }),
      reason: Type.Optional(Type.String()),
    }),
  ),
  expiresAt: Type.Optional(Timestamp),
  createdAt: Timestamp,
});
export type OrderView = Static<typeof OrderView>;
export const OrderPage = PageOf(OrderView);

export const CartView = Type.Object({
  items: Type.Array(Type.Intersect([OrderItem, Type.Object({ available: Type.Integer() })])),
  totals: Totals,
});
export type CartView = Static<typeof CartView>;

export const PlaceParams = Strict({
  items: Type.Optional(Type.Array(Strict({ sku: Sku, quantity: Quantity }), { minItems: 1, maxItems: 50 })),
  addressId: Type.Optional(Id),
  shippingAddress: Type.Optional(PostalAddress),
});
export const ListParams = Strict({
  ...pageParams,
  status: Type.Optional(OneOf(...ORDER_STATUSES)),
  customerId: Type.Optional(Id),
});
export const OrderParams = Strict({ id: Id });
export const PayParams = Strict({
  id: Id,
  paymentKey: Type.String({ minLength: 1, maxLength: 200 }),
  amount: StatedAmount,
});
export const CancelParams = Strict({ id: Id, reason: Reason });
export const ShipParams = Strict({ id: Id, carrier: ShownText(100), trackingNumber: ShownText(100) });
export const RefundParams = Strict({ id: Id, amount: Type.Optional(MoneySchema), reason: Reason });
export const PaymentChangedParams = Strict({ orderId: Id });
export const OfCustomerParams = Strict({ customerId: Id, limit: Type.Integer({ minimum: 1, maximum: 100 }) });
/** An order in a line, for whoever helps its customer. */
export const OrderLines = ItemsOf(
  Type.Object({
    id: Id,
    number: Type.String(),
    status: OneOf(...ORDER_STATUSES),
    total: MoneySchema,
    createdAt: Timestamp,
  }),
);
export type OrderLine = Static<typeof OrderLines>["items"][number];
export const AnonymiseParams = Strict({ customerId: Id });
