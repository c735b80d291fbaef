import { Id, ShownText, type Static, Strict, Timestamp, Type } from "../../lib/schema";
import { AdjustParams, InventoryView, Sku } from "./product.schema";

const HISTORY = 100;

export const StockParams = Strict({
  sku: Sku,
  limit: Type.Integer({ minimum: 1, maximum: HISTORY, default: 20, description: "of what is over, the newest" }),
});
export const CorrectParams = Strict({
  id: Id,
  sku: Sku,
  delta: Type.Optional(AdjustParams.properties.delta),
  to: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: "what is available, as counted" })),
  reason: ShownText(500),
  operator: ShownText(200),
});
export const HoldsParams = Strict({ orderId: Id, skus: Type.Array(Sku, { maxItems: 50 }) });

const Hold = Type.Object({
  orderId: Type.String(),
  quantity: Type.Integer(),
  state: Type.String(),
  expiresAt: Type.Optional(Timestamp),
  at: Type.Optional(Timestamp),
});

export const StockStory = Type.Object({
  ...InventoryView.properties,
  productId: Id,
  reservations: Type.Array(Hold, { description: "what is held, the first to lapse first" }),
  held: Type.Integer({ description: "how many orders hold some" }),
  history: Type.Array(
    Type.Object({
      at: Timestamp,
      what: Type.String({ description: "committed, returned, released or adjusted" }),
      quantity: Type.Integer(),
      of: Type.String({ description: "the order, or who adjusted it" }),
      reason: Type.Optional(Type.String()),
    }),
    { description: "newest first" },
  ),
});
export type StockStory = Static<typeof StockStory>;

export const Holds = Type.Object({
  items: Type.Array(Type.Intersect([Type.Object({ sku: Sku }), Hold])),
});
export type Holds = Static<typeof Holds>;
