import type { Call } from "../../lib/actions";
import { hasType, invalid, unavailable, unprocessable } from "../../lib/errors";
import type { PostalAddress } from "../../lib/postal-address";
import type { Static } from "../../lib/schema";
import type { Line } from "../product/product.contract";
import type { Cart, CartStore } from "./cart.store";
import { priced, totalsOf } from "./order";
import type { CartView, OrderItem, PlaceParams } from "./order.schema";

const MAX_QUANTITY = 99;

/** The same SKU twice is one line. */
export function merged(lines: Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}

export const cartLines = (cart: Cart): Line[] =>
  Object.values(cart.lines)
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ sku, quantity }) => ({ sku, quantity }));

/** What is to be ordered, and the cart that the order will empty. 422 CART_EMPTY. */
export async function linesToOrder(
  carts: CartStore,
  customerId: string,
  items: Line[] | undefined,
): Promise<{ lines: Line[]; cart?: { version: number } }> {
  if (items) return { lines: merged(items) };
  const cart = await carts.get(customerId);
  const lines = cartLines(cart);
  if (lines.length === 0) throw unprocessable("CART_EMPTY", "The cart is empty.");
  return { lines, cart: { version: cart.version } };
}

/** Names and prices of this moment, from the catalogue. 422 UNKNOWN_SKU names the lines that cannot be ordered. */
export async function pricedLines(call: Call, lines: Line[]): Promise<OrderItem[]> {
  const { items: quotes } = await call("product.quote", { skus: lines.map((line) => line.sku) });
  const bySku = new Map(quotes.map((quote) => [quote.sku, quote]));
  const errors = lines.flatMap(({ sku, quantity }, i) => {
    if (!bySku.has(sku)) return [{ path: `items.${i}.sku`, message: "is not for sale", sku }];
    return quantity > MAX_QUANTITY ? [{ path: `items.${i}.quantity`, message: `must be <= ${MAX_QUANTITY}`, sku }] : [];
  });
  if (errors.some(({ message }) => message === "is not for sale"))
    throw unprocessable("UNKNOWN_SKU", "A product of this order is not for sale.", errors);
  if (errors.length > 0) throw invalid(errors);
  return lines.flatMap(({ sku, quantity }) => {
    const quote = bySku.get(sku);
    return quote ? [priced(quote, quantity)] : [];
  });
}

/** Seconds after which a client may ask whether orders are taken again. */
const CLOSED_RETRY_S = 60;

/** Throws 503 ORDERS_CLOSED. */
export function requireAccepting(accepting: boolean): void {
  if (!accepting) throw unavailable("ORDERS_CLOSED", "No orders are taken at the moment.", CLOSED_RETRY_S);
}

/** More than what a payment can be, in minor units. */
const MAX_TOTAL = 1_000_000_000_000;

/** Throws 422 ORDER_TOO_LARGE. */
export function requirePayable(items: OrderItem[], shippingFee: number): void {
  const { amount } = totalsOf(items, shippingFee).total;
  if (amount > MAX_TOTAL) throw unprocessable("ORDER_TOO_LARGE", "An order of this amount cannot be paid.");
}

/** The address given, the one named from the customer's book, or its default. */
export async function shippingAddressOf(
  call: Call,
  userId: string,
  { addressId, shippingAddress }: Pick<Static<typeof PlaceParams>, "addressId" | "shippingAddress">,
): Promise<PostalAddress> {
  if (addressId !== undefined && shippingAddress !== undefined)
    throw invalid([{ path: "addressId", message: "is not accepted beside shippingAddress" }]);
  if (shippingAddress) return shippingAddress;
  const found = await call("user.address", { userId, ...(addressId !== undefined && { addressId }) }).catch(
    (error: unknown) => {
      if (addressId !== undefined || !hasType(error, "ADDRESS_NOT_FOUND")) throw error;
      const errors = [{ path: "shippingAddress", message: "is required where the customer has no default address" }];
      throw unprocessable("ADDRESS_REQUIRED", "The order needs an address to go to.", errors);
    },
  );
  const { recipient, phone, postalCode, line1, line2, city, country } = found;
  return { recipient, phone, postalCode, line1, ...(line2 && { line2 }), ...(city && { city }), country };
}

/** The cart with today's names and prices; what is not sold any more is left out. */
export async function cartView(call: Call, cart: Cart, shippingFee: number): Promise<CartView> {
  const lines = cartLines(cart);
  const { items: quotes } =
    lines.length > 0 ? await call("product.quote", { skus: lines.map((line) => line.sku) }) : { items: [] };
  const items = lines.flatMap(({ sku, quantity }) => {
    const quote = quotes.find((candidate) => candidate.sku === sku);
    return quote ? [{ ...priced(quote, quantity), available: quote.available }] : [];
  });
  return { items, totals: totalsOf(items, shippingFee) };
}
