import type { Nothing, Static } from "../../lib/schema";
import type { Level } from "./availability";
import type * as operations from "./operations.schema";
import type * as schema from "./product.schema";
import type { CatalogueState } from "./product.store";

export type Line = Static<typeof schema.SettleParams>["items"][number];

/** What a SKU is called and costs now. */
export type Quote = Static<typeof schema.QuoteView>;

/**
 * Stock held for an order. Every call is idempotent by order and SKU, so a caller who got no answer asks again, with the
 * same items and, of `reserve`, the same `expiresAt`. SKUs that are unknown count as sold out.
 */
declare module "../../lib/actions" {
  interface ActionMap {
    /** SKUs that are unknown or archived are left out of `items`. Never cached. */
    "product.quote": Asked<typeof schema.QuoteParams, typeof schema.Quotes>;
    /**
     * Takes the stock of all lines or of none, until `expiresAt` (RFC 3339). 409 INSUFFICIENT_STOCK with one error for
     * each SKU that is short (`{path, message, sku}`), after which the order may try again; 409 RESERVATION_EXPIRED when
     * `expiresAt` is past or the order's stock was released.
     */
    "product.reserve": Asked<typeof schema.HoldParams, typeof Nothing>;
    /** Holds a reservation for longer; what has lapsed stays lapsed. */
    "product.extend": Asked<typeof schema.HoldParams, typeof Nothing>;
    /**
     * Reserved stock is sold. A lapsed reservation takes free stock once more, else 409 INSUFFICIENT_STOCK: then the
     * other lines are sold, until `return`. 409 STOCK_RETURNED after `return`.
     */
    "product.commit": Asked<typeof schema.SettleParams, typeof Nothing>;
    /** Reserved stock is free again. 409 STOCK_COMMITTED for what is sold already: that is given back by `return`. */
    "product.release": Asked<typeof schema.SettleParams, typeof Nothing>;
    /** Gives back whatever the order holds, sold or reserved; from then on the order can take none again. */
    "product.return": Asked<typeof schema.SettleParams, typeof Nothing>;
    /** Levels, reservations and history of a SKU. 404 SKU_NOT_FOUND. */
    "product.stock": Asked<typeof operations.StockParams, typeof operations.StockStory>;
    /** What an order has, or had, of these SKUs. */
    "product.holds": Asked<typeof operations.HoldsParams, typeof operations.Holds>;
    /**
     * Puts stock in, takes some out that is not reserved, or makes it what was counted; kept with operator and reason in
     * the SKU's history. Once for each `id`. 404 SKU_NOT_FOUND, 409 INSUFFICIENT_STOCK.
     */
    "product.correct": Asked<typeof operations.CorrectParams, typeof schema.InventoryView>;
  }
}

declare module "../../lib/events" {
  interface EventMap {
    /** Where the catalogue stands: what was read of an older generation is to be read again. */
    "product.catalogue.changed": CatalogueState;
    /** What is available of a SKU; the higher version is newer. */
    "product.stock.changed": Level;
  }
}
