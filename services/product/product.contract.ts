import type { Money } from "../../lib/money";

export interface Line {
  sku: string;
  quantity: number;
}

/** What a SKU is called and costs now. */
export interface Quote {
  sku: string;
  productId: string;
  name: string;
  unitPrice: Money;
  available: number;
}

/**
 * Stock held for an order. Every call is idempotent by order and SKU, so a caller who got no answer asks again, with the
 * same items and, of `reserve`, the same `expiresAt`. SKUs that are unknown count as sold out.
 */
declare module "../../lib/actions" {
  interface ActionMap {
    /** SKUs that are unknown or archived are left out of `items`. Never cached. */
    "product.quote": { params: { skus: string[] }; result: { items: Quote[] } };
    /**
     * Takes the stock of all lines or of none, until `expiresAt` (RFC 3339). 409 INSUFFICIENT_STOCK with one error for
     * each SKU that is short (`{path, message, sku}`), after which the order may try again; 409 RESERVATION_EXPIRED when
     * `expiresAt` is past or the order's stock was released.
     */
    "product.reserve": { params: { orderId: string; expiresAt: string; items: Line[] }; result: null };
    /** Holds a reservation for longer; what has lapsed stays lapsed. */
    "product.extend": { params: { orderId: string; expiresAt: string; items: Line[] }; result: null };
    /**
     * Reserved stock is sold. A lapsed reservation takes free stock once more, else 409 INSUFFICIENT_STOCK: then the
     * other lines are sold, until `return`. 409 STOCK_RETURNED after `return`.
     */
    "product.commit": { params: { orderId: string; items: Line[] }; result: null };
    /** Reserved stock is free again. 409 STOCK_COMMITTED for what is sold already: that is given back by `return`. */
    "product.release": { params: { orderId: string; items: Line[] }; result: null };
    /** Gives back whatever the order holds, sold or reserved; from then on the order can take none again. */
    "product.return": { params: { orderId: string; items: Line[] }; result: null };
  }
}
