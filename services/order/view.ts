import type { Order } from "./order";
import { ORDER_STATUSES, type OrderLine, type OrderView } from "./order.schema";

/** The order as clients see it; undefined while it is not an order yet. How to pay is for its customer alone. */
export function orderView(order: Order, viewerId: string): OrderView | undefined {
  const { status, payment } = order;
  if (status === "placing" || !ORDER_STATUSES.includes(status) || !payment) return undefined;
  const { paymentKey: _, rev: __, ...shownPayment } = payment;
  return {
    id: order._id,
    number: order.number,
    customerId: order.customerId,
    status,
    items: order.items,
    totals: order.totals,
    shippingAddress: order.shippingAddress,
    payment: { ...shownPayment, client: viewerId === order.customerId ? shownPayment.client : {} },
    ...(order.shipment && { shipment: order.shipment }),
    history: order.history.map(({ operation: __, ...entry }) => entry),
    ...(order.expiresAt && { expiresAt: order.expiresAt }),
    createdAt: order.createdAt,
  };
}

/** An order in a line; none while it is not an order yet. */
export function orderLine({ _id: id, number, status, totals: { total }, createdAt }: Order): OrderLine[] {
  return status === "placing" ? [] : [{ id, number, status, total, createdAt }];
}
