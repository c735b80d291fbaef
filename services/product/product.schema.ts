import { CURRENCY } from "../../lib/money";
import {
  Id,
  ItemsOf,
  MoneySchema,
  OneOf,
  PageOf,
  pageParams,
  type Static,
  Strict,
  Timestamp,
  Type,
} from "../../lib/schema";

export const SORTS = ["newest", "popular", "price", "-price", "name"] as const;
export type Sort = (typeof SORTS)[number];

export const Sku = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
  description: "stock keeping unit, unique over all products",
});
const Slug = Type.String({ pattern: "^[a-z0-9가-힣]+(-[a-z0-9가-힣]+)*$", maxLength: 100 });
const Status = OneOf("active", "archived");
const Price = Type.Object(
  {
    amount: Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: "in the currency's minor unit" }),
    currency: Type.Unsafe<string>({ type: "string", enum: [CURRENCY] }),
  },
  { additionalProperties: false },
);
const Amount = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 });
const Name = Type.String({ minLength: 1, maxLength: 200, pattern: "\\S" });
const Description = Type.String({ maxLength: 10_000 });
const Category = Type.String({
  minLength: 1,
  maxLength: 60,
  pattern: "[a-zA-Z0-9가-힣]",
  description: "slug of a category; a new one is made of what is given",
});
const Images = Type.Array(Type.String({ maxLength: 2000, pattern: "^(https?://|/)[^\\s]+$" }), { maxItems: 20 });

export const ProductView = Type.Object({
  id: Id,
  slug: Type.String(),
  name: Type.String(),
  description: Type.String(),
  category: Type.String(),
  images: Type.Array(Type.String()),
  variants: Type.Array(
    Type.Object({
      sku: Type.String(),
      name: Type.String(),
      price: MoneySchema,
      available: Type.Integer({ minimum: 0 }),
    }),
  ),
  status: Status,
  createdAt: Timestamp,
});
export type ProductView = Static<typeof ProductView>;
export const ProductPage = PageOf(ProductView);
export type ProductPage = Static<typeof ProductPage>;

const priceBound = {
  ...Amount,
  description: "minor units; the range is compared with the span from a product's cheapest to its dearest variant",
};

/** What there is to sort and filter by; a cursor goes with the `sort` that it came from. */
export const ListParams = Strict({
  ...pageParams,
  q: Type.Optional(Type.String({ maxLength: 200, description: "words, each of which must occur" })),
  category: Type.Optional(Type.String({ maxLength: 100 })),
  minPrice: Type.Optional(priceBound),
  maxPrice: Type.Optional(priceBound),
  sort: Type.Unsafe<Sort>({ type: "string", enum: [...SORTS], default: "newest" }),
});
export type ListParams = Static<typeof ListParams>;

const Variant = Strict({
  sku: Sku,
  name: Type.String({ minLength: 1, maxLength: 200, default: "Standard" }),
  price: Price,
  stock: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: "put in once, for a SKU that is new" }),
  ),
});
export type VariantInput = Static<typeof Variant>;
const Variants = Type.Array(Variant, { minItems: 1, maxItems: 100 });

export const CreateParams = Strict({
  name: Name,
  description: Type.String({ maxLength: 10_000, default: "" }),
  category: Category,
  images: Type.Array(Images.items, { maxItems: 20, default: [] }),
  variants: Variants,
  slug: Type.Optional(Slug),
});
export type CreateParams = Static<typeof CreateParams>;

export const PatchParams = Strict({
  id: Id,
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  category: Type.Optional(Category),
  images: Type.Optional(Images),
  variants: Type.Optional(Variants),
  slug: Type.Optional(Slug),
  status: Type.Optional(Status),
});
export type PatchParams = Static<typeof PatchParams>;

export const CategoryView = Type.Object({
  slug: Type.String(),
  name: Type.String(),
  productCount: Type.Integer({ minimum: 0, description: "active products" }),
});
export type CategoryView = Static<typeof CategoryView>;

const Count = Type.Integer({ minimum: 0 });
export const InventoryView = Type.Object({ sku: Type.String(), available: Count, reserved: Count, sold: Count });
export type InventoryView = Static<typeof InventoryView>;

export const AdjustParams = Strict({
  sku: Sku,
  delta: Type.Integer({ minimum: -1_000_000, maximum: 1_000_000, not: { const: 0 } }),
  reason: Type.String({ minLength: 1, maxLength: 500 }),
});

export const Lines = Type.Array(
  Strict({ sku: Type.String({ maxLength: 64 }), quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }),
  { minItems: 1, maxItems: 500 },
);
export const HoldParams = Strict({ orderId: Id, expiresAt: Timestamp, items: Lines });
export const SettleParams = Strict({ orderId: Id, items: Lines });
export const QuoteParams = Strict({ skus: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 500 }) });
export const QuoteView = Type.Object({
  sku: Type.String(),
  productId: Type.String(),
  name: Type.String(),
  unitPrice: MoneySchema,
  available: Count,
});
export const Quotes = ItemsOf(QuoteView);
