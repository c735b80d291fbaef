import type { Received } from "../../lib/topics/topics";
import type { Order } from "../e2e/shop";
import type { Entry } from "./ledger";

export interface StockSeen {
  sku: string;
  productId: string;
  /** What was put in. */
  initial: number;
  available: number;
  reserved: number;
  sold: number;
}

/** All that the checker looks at, taken once everything has come to rest. */
export interface Evidence {
  entries: readonly Entry[];
  /** As the shop shows them to an admin. */
  orders: readonly Order[];
  /** The topic of the orders' facts. */
  messages: readonly Received[];
  deadLetters: readonly Received[];
  /** Units sold by product, as counted from `order.paid`. */
  sales: ReadonlyMap<string, number>;
  stock: readonly StockSeen[];
  /** What the payment provider holds by order, in minor units. */
  held: ReadonlyMap<string, number>;
  /** Events that wait in orders, by order. */
  outbox: ReadonlyMap<string, number>;
  /** Processes that ended although nobody killed them. */
  deaths: readonly string[];
}
