import type { Caller } from "../../lib/actions";
import { notFound, unprocessable } from "../../lib/errors";
import type { Money } from "../../lib/money";
import { type Order, statesTotal } from "./order";
import type { OrderView } from "./order.schema";
import type { OrderStore } from "./order.store";
import { orderView } from "./view";

export const isStaff = (caller: Caller): boolean => caller.roles.includes("admin") || caller.roles.includes("agent");

const noSuchOrder = () => notFound("ORDER_NOT_FOUND", "There is no such order.");

/** An order that the caller may see: one's own, or with `staff` any. 404 for every other. */
export async function visibleOrder(orders: OrderStore, id: string, caller: Caller, staff: boolean): Promise<Order> {
  const order = await orders.get(id);
  if (!order || order.status === "placing" || (order.customerId !== caller.id && !staff)) throw noSuchOrder();
  return order;
}

/** The order as clients see it. 404 where it is none yet, or none any more. */
export function shown(order: Order, caller: Caller): OrderView {
  const view = orderView(order, caller.id);
  if (!view) throw noSuchOrder();
  return view;
}

/** Throws 422 AMOUNT_MISMATCH where the customer means another amount than we want. */
export function requireTotal(order: Order, stated: number | Money): void {
  if (statesTotal(order, stated)) return;
  const { amount, currency } = order.totals.total;
  throw unprocessable("AMOUNT_MISMATCH", "The amount is not that of the order.", [
    { path: "amount", message: `must be ${amount} ${currency}` },
  ]);
}
