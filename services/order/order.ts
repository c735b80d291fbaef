import { createHash } from "node:crypto";
import { type Money, sameMoney, sum, times, won } from "../../lib/money";
import type { OutboxDocument } from "../../lib/outbox";
import type { PostalAddress } from "../../lib/postal-address";
import { currentTrace } from "../../lib/request-scope";
import { after, now } from "../../lib/time";
import type { Due } from "../../mixins/sweeper.mixin";
import type { PaymentSummary } from "../payment/payment.contract";
import type { Quote } from "../product/product.contract";
import type { OrderItem, OrderStatus } from "./order.schema";

/** What is to be done next; at `due` a sweeper does it if the node that should have did not. */
export type Work =
  /** Reserve, prepare the payment, open for payment. */
  | "place"
  /** The payment window closes. */
  | "expire"
  /** A payment was tried: find out how it ended. */
  | "settle"
  /** Paid: the reserved stock is sold. */
  | "commit"
  /** Dead: stock and money go back. */
  | "undo"
  /** Money that an admin gave back is on its way. */
  | "refund"
  /** Refunded in full before it was shipped: stock goes back. */
  | "restock";

export interface Refund {
  amount: number;
  reason: string;
  by: string;
  at: string;
  status: "pending" | "done" | "failed";
  /** Why it failed. */
  code?: string;
}

export interface HistoryEntry {
  status: OrderStatus;
  at: string;
  by: string;
  reason?: string;
  /** The operation that did it, so that its retry is recognised. */
  operation?: string;
}

export interface Order extends Due, OutboxDocument {
  number: string;
  customerId: string;
  /** `placing` is not seen by anybody: its stock is not reserved yet. */
  status: OrderStatus | "placing";
  items: OrderItem[];
  totals: { items: Money; shipping: Money; total: Money };
  shippingAddress: PostalAddress | null;
  payment?: Pick<PaymentSummary, "id" | "rev" | "provider" | "status" | "client" | "refunded" | "paymentKey">;
  shipment?: { carrier: string; trackingNumber: string };
  history: HistoryEntry[];
  /** End of the payment window; absent once it is paid or dead. */
  expiresAt?: string;
  createdAt: string;
  work?: Work;
  /** The sweeper's tries of that work that failed in a row. */
  failed?: { times: number; at: string; error: string };
  /** The cart that this order empties, as it was. */
  cart?: { version: number };
  /** Captured and not promised back to the customer, in minor units. */
  refundable: number;
  refunds: Record<string, Refund>;
  /** How many of them are not decided yet. */
  refundsPending: number;
  /** Its customer is erased: the address goes when the order is finished. */
  anonymous?: boolean;
}

const NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** `YYMMDD-` and eight letters from the id: the same order always has the same number. */
export function orderNumber(id: string, createdAt: string): string {
  const digest = createHash("sha256").update(id).digest();
  const letters = [...digest.subarray(0, 8)].map((byte) => NUMBER_ALPHABET[byte % 32]).join("");
  return `${createdAt.slice(2, 10).replaceAll("-", "")}-${letters}`;
}

export function priced(quote: Quote, quantity: number): OrderItem {
  const { sku, productId, name, unitPrice } = quote;
  return { sku, productId, name, unitPrice, quantity, lineTotal: times(unitPrice, quantity) };
}

export function totalsOf(items: OrderItem[], shippingFee: number): Order["totals"] {
  const goods = sum(items.map((item) => item.lineTotal));
  const shipping = won(items.length > 0 ? shippingFee : 0);
  return { items: goods, shipping, total: sum([goods, shipping]) };
}

export interface NewOrder {
  id: string;
  customerId: string;
  items: OrderItem[];
  shippingFee: number;
  shippingAddress: PostalAddress;
  /** Seconds to pay. */
  paymentWindow: number;
  cart?: { version: number };
  leaseMs: number;
}

export function newOrder(given: NewOrder): Order {
  const createdAt = now();
  return {
    _id: given.id,
    number: orderNumber(given.id, createdAt),
    customerId: given.customerId,
    status: "placing",
    items: given.items,
    totals: totalsOf(given.items, given.shippingFee),
    shippingAddress: given.shippingAddress,
    history: [],
    expiresAt: after(given.paymentWindow * 1000, createdAt),
    createdAt,
    ...currentTrace(),
    work: "place",
    due: after(given.leaseMs),
    ...(given.cart && { cart: given.cart }),
    refundable: 0,
    refunds: {},
    refundsPending: 0,
  };
}

export const hasOperation = (order: Order, operation: string): boolean =>
  order.history.some((entry) => entry.operation === operation);

export const isPaidBy = (order: Order, paymentKey: string): boolean =>
  order.payment?.paymentKey === paymentKey && ["paid", "shipped", "delivered", "refunded"].includes(order.status);

/** Whether the customer means the amount that we want. */
export const statesTotal = (order: Order, stated: number | Money): boolean =>
  sameMoney(typeof stated === "number" ? { ...order.totals.total, amount: stated } : stated, order.totals.total);
