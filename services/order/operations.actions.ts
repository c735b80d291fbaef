import type { ActionSchema, ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import { conflict, errorType, notFound } from "../../lib/errors";
import { after, isPast } from "../../lib/time";
import {
  type OrderStory,
  RetryParams,
  StoryParams,
  OrderStory as StoryView,
  StuckOrder,
  StuckOrders,
  StuckParams,
} from "./operations.schema";
import type { Order } from "./order";
import type { OrderStore } from "./order.store";

/** Milliseconds for which what is due may wait for a sweeper that has much to do. */
const OVERDUE_MS = 10_000;
/** Tries in a row that failed. */
const OFTEN = 3;
const ERROR_LENGTH = 300;

const isWaitingForPayment = ({ work, due = "" }: Order): boolean => work === "expire" && !isPast(due);

const stuckOrder = ({ _id: id, number, status, work, due, failed, createdAt }: Order): StuckOrder => ({
  id,
  number,
  status,
  ...(work && { work }),
  ...(due && { due }),
  ...(failed && { failed }),
  createdAt,
});

function storyOf(order: Order): OrderStory {
  const { customerId, items, totals, shipment, expiresAt, traceparent, outbox = [] } = order;
  return {
    ...stuckOrder(order),
    customerId,
    items,
    totals,
    ...(shipment && { shipment }),
    history: order.history.map(({ operation: _, ...entry }) => entry),
    refunds: Object.entries(order.refunds).map(([id, { amount, ...refund }]) => ({
      id,
      amount: { ...totals.total, amount },
      ...refund,
    })),
    ...(expiresAt && { expiresAt }),
    ...(traceparent && { traceparent }),
    waiting: outbox.map(({ id, type, time }) => ({ id, type, time })),
  };
}

function told(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return [errorType(error), message].filter(Boolean).join(": ").slice(0, ERROR_LENGTH);
}

/** A sweeper's try; that it failed is kept with the order until its process goes on. */
export const sweeping =
  (orders: OrderStore, advance: (order: Order) => Promise<unknown>) =>
  async (order: Order): Promise<void> => {
    try {
      await advance(order);
    } catch (error) {
      await orders.failed(order, told(error));
      throw error;
    }
  };

/** What whoever operates the shop asks: `order.contract.ts` says what each promises. */
export function operationsActions(orders: OrderStore, logger: ServiceBroker["logger"]): Record<string, ActionSchema> {
  async function find(idOrNumber: string): Promise<Order> {
    const order = (await orders.get(idOrNumber)) ?? (await orders.byNumber(idOrNumber.toUpperCase()));
    if (!order) throw notFound("ORDER_NOT_FOUND", `There is no order ${idOrNumber}.`);
    return order;
  }

  return {
    stuck: action({
      params: StuckParams,
      returns: StuckOrders,
      retryable: true,
      async handler({ params: { limit } }) {
        const found = await orders.stuck(after(-OVERDUE_MS), OFTEN, limit + 1);
        return { items: found.slice(0, limit).map(stuckOrder), more: found.length > limit };
      },
    }),

    retry: action({
      params: RetryParams,
      returns: StuckOrder,
      retryable: true,
      async handler({ params: { order: named, operator } }) {
        const order = await find(named);
        if (isWaitingForPayment(order))
          throw conflict("NOTHING_DUE", `Order ${order.number} waits for its customer to pay, until ${order.due}.`);
        const taken = await orders.takeNow(order);
        if (!taken) throw conflict("NOTHING_DUE", `Nothing is left to do for order ${order.number}.`);
        logger.info(
          { operator, orderId: taken._id, work: taken.work },
          "an order is taken up at once, as was asked for",
        );
        return stuckOrder(taken);
      },
    }),

    story: action({
      params: StoryParams,
      returns: StoryView,
      retryable: true,
      handler: async ({ params }) => storyOf(await find(params.order)),
    }),
  };
}
