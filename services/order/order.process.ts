import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { conflict, errorType, hasType, ShopError, unavailable } from "../../lib/errors";
import { after, isPast } from "../../lib/time";
import type { PaymentSummary } from "../payment/payment.contract";
import type { Line } from "../product/product.contract";
import type { CartStore } from "./cart.store";
import { isPaidBy, type Order } from "./order";
import type { OrderStore } from "./order.store";
import { isRefundable, pendingRefunds, refundedElsewhere, refundGiven, refundRefused } from "./refund";
import {
  cancelled,
  markPaid,
  openForPayment,
  paymentSeen,
  payTried,
  type Transition,
  tryRefused,
  undone,
  workDone,
} from "./transitions";

/** How much longer than the payment window stock is held, so that it never lapses under an order that is being paid. */
const RESERVATION_GRACE_MS = 10 * 60_000;
/** At the end of the window an answer of the provider is worth this many milliseconds, the order must end in five seconds. */
const LAST_CALL_MS = 2500;
/** Milliseconds that who has paid waits for the stock to be theirs in the books as well. */
const BOOKED_WITHIN_MS = 2000;

const linesOf = (order: Order): Line[] => order.items.map(({ sku, quantity }) => ({ sku, quantity }));

interface Parts {
  orders: OrderStore;
  carts: CartStore;
  leaseMs: number;
}

/**
 * The order process: each step is idempotent by order id, its state is in the order, and whoever finds the order with
 * work that is due may do the next step. Nobody else's writes are undone: each transition names what it starts from.
 */
export function orderProcess({ orders, carts, leaseMs }: Parts) {
  async function reread(order: Order): Promise<Order> {
    return (await orders.get(order._id)) ?? order;
  }

  /** Reserve, prepare the payment, empty the cart, open. Throws what the customer has to know; then nothing is left. */
  async function place(call: Call, order: Order): Promise<Order> {
    const expiresAt = after(RESERVATION_GRACE_MS, order.expiresAt);
    try {
      await call("product.reserve", { orderId: order._id, expiresAt, items: linesOf(order) });
    } catch (error) {
      if (hasType(error, "INSUFFICIENT_STOCK", "RESERVATION_EXPIRED")) await orders.forget(order._id);
      throw error;
    }
    crashPoint("order.reserved");
    const payment = await preparedPayment(call, order);
    crashPoint("order.prepared");
    if (order.cart) await carts.clear(order.customerId, order.cart.version);
    crashPoint("order.cart-cleared");
    const opened = await orders.apply(openForPayment(order, payment));
    crashPoint("order.opened");
    return opened ?? reread(order);
  }

  /** A refusal ends the order: what it reserved is free again. */
  async function preparedPayment(call: Call, order: Order): Promise<PaymentSummary> {
    const { _id: orderId, customerId, totals } = order;
    try {
      return await call("payment.prepare", { orderId, customerId, amount: totals.total });
    } catch (error) {
      if (error instanceof ShopError && error.code < 500) {
        await call("product.release", { orderId, items: linesOf(order) });
        await orders.forget(orderId);
      }
      throw error;
    }
  }

  /** The money is there: the order is paid and its stock sold. An order that died meanwhile gives the money back itself. */
  async function paid(call: Call, order: Order, payment: PaymentSummary, by: string): Promise<Order> {
    const marked = await orders.apply(markPaid(order, payment, by, leaseMs));
    crashPoint("order.paid");
    const current = marked ?? (await reread(order));
    if (current.work !== "commit") return current;
    return commit(call, current, { timeout: BOOKED_WITHIN_MS }).catch((error: unknown) => {
      if (error instanceof ShopError && error.code < 500) throw error;
      // Paid is paid: the stock is reserved, and is booked once `product` can be asked again.
      return reread(current);
    });
  }

  async function commit(call: Call, order: Order, options?: { timeout: number }): Promise<Order> {
    try {
      await call("product.commit", { orderId: order._id, items: linesOf(order) }, options);
    } catch (error) {
      if (!hasType(error, "INSUFFICIENT_STOCK", "STOCK_RETURNED")) throw error;
      return cancel(call, order, { by: "system", reason: "out of stock" });
    }
    crashPoint("order.committed");
    return (await orders.apply(workDone(order))) ?? reread(order);
  }

  /** Ends an order that is not on its way yet; what it held goes back. */
  async function cancel(
    call: Call,
    order: Order,
    act: { by: string; reason: string; operation?: string },
  ): Promise<Order> {
    const dead = await orders.apply(cancelled(order, act, leaseMs));
    crashPoint("order.cancelled");
    return dead ? undo(call, dead) : reread(order);
  }

  async function undo(call: Call, order: Order): Promise<Order> {
    await call("product.return", { orderId: order._id, items: linesOf(order) });
    crashPoint("order.returned");
    const reason = order.history.at(-1)?.reason ?? "cancelled";
    const payment = await call("payment.close", { orderId: order._id, reason });
    crashPoint("order.closed");
    // Whether money goes back is a part of what is told: it is looked at again until that is known.
    if (payment.open) return reread(order);
    return (await orders.apply(undone(order, payment))) ?? reread(order);
  }

  /** A customer pays with the key that the provider gave. 402 and 409 leave the order waiting; 503 settles by itself. */
  async function pay(call: Call, order: Order, paymentKey: string, by: string): Promise<Order> {
    const tried = await orders.apply(payTried(order, leaseMs));
    if (!tried) return payable(await reread(order), paymentKey);
    crashPoint("order.settling");
    try {
      const payment = await call("payment.confirm", { orderId: order._id, paymentKey });
      crashPoint("order.captured");
      return payable(await paid(call, tried, payment, by), paymentKey);
    } catch (error) {
      if (errorType(error) === "PAYMENT_CLOSED") return payable(await settle(call, await reread(order)), paymentKey);
      // A refusal is an outcome: nothing is left to find out.
      if (error instanceof ShopError && error.code < 500) await orders.apply(tryRefused(tried));
      throw error;
    }
  }

  /** 409 for whoever finds the order not paid by this key. */
  function payable(order: Order, paymentKey: string): Order {
    if (isPaidBy(order, paymentKey)) return order;
    throw conflict("ORDER_NOT_PAYABLE", "This order cannot be paid any more, or another payment did.");
  }

  /** Asks how the payment stands and goes on accordingly; at the end of the window an order without money is dead. */
  async function settle(call: Call, order: Order): Promise<Order> {
    if (order.status !== "awaiting_payment") return order;
    const over = !order.expiresAt || isPast(order.expiresAt);
    try {
      const payment = await call(
        "payment.settle",
        { orderId: order._id },
        over ? { timeout: LAST_CALL_MS } : undefined,
      );
      if (payment.paymentKey !== undefined) return paid(call, order, payment, order.customerId);
    } catch (error) {
      // Unknown at the end of the window: what turns out to be captured later is given back, as the payment is closed.
      if (!over) throw error;
    }
    if (over) return cancel(call, order, { by: "system", reason: "expired" });
    return (await orders.apply(tryRefused(order))) ?? reread(order);
  }

  /** Gives each promised refund, once however often this runs. */
  async function refund(call: Call, order: Order): Promise<Order> {
    let current = order;
    let failure: unknown;
    for (const id of pendingRefunds(order)) {
      try {
        current = (await orders.apply(await refundOutcome(call, current, id))) ?? (await reread(current));
      } catch (error) {
        // The provider's silence about one is no reason to keep the customer waiting for the others.
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    if (current.work === "refund") current = (await orders.apply(workDone(current))) ?? (await reread(current));
    return current.work === "restock" ? restock(call, current) : current;
  }

  async function refundOutcome(call: Call, order: Order, refundId: string): Promise<Transition> {
    const { amount = 0, reason = "" } = order.refunds[refundId] ?? {};
    const money = { ...order.totals.total, amount };
    try {
      const payment = await call("payment.refund", { orderId: order._id, refundId, amount: money, reason });
      crashPoint("order.refund-given");
      return refundGiven(order, refundId, payment, leaseMs);
    } catch (error) {
      const code = errorType(error);
      if (code !== "REFUND_EXCEEDS_PAYMENT" && code !== "REFUND_REFUSED") throw error;
      return refundRefused(order, refundId, code);
    }
  }

  async function restock(call: Call, order: Order): Promise<Order> {
    await call("product.return", { orderId: order._id, items: linesOf(order) });
    return (await orders.apply(workDone(order))) ?? reread(order);
  }

  /** Does what is due, wherever it was left. */
  async function advance(call: Call, order: Order): Promise<Order> {
    switch (order.work) {
      case "place":
        return place(call, order).catch((error: unknown) => {
          if (hasType(error, "INSUFFICIENT_STOCK", "RESERVATION_EXPIRED")) return order;
          throw error;
        });
      case "expire":
      case "settle":
        return settle(call, order);
      case "commit":
        return commit(call, order);
      case "undo":
        return undo(call, order);
      case "refund":
        return refund(call, order);
      case "restock":
        return restock(call, order);
      case undefined:
        return order;
    }
  }

  /** For what must not start while something else is on its way (stock being sold, a refund): ends that first. */
  async function settled(call: Call, order: Order): Promise<Order> {
    if (!order.work || order.status === "awaiting_payment") return order;
    const current = await advance(call, order);
    if (current.work) throw unavailable("ORDER_BUSY", "The order is still being worked on. Try again.");
    return current;
  }

  /** The payment changed by itself: by a webhook, or by what the provider told later. */
  async function paymentChanged(call: Call, order: Order): Promise<Order> {
    if (order.status === "awaiting_payment") return settle(call, order);
    if (order.refundsPending > 0) return refund(call, order);
    if (order.work) return advance(call, order);
    if (order.status === "placing") return order;
    const payment = await call("payment.settle", { orderId: order._id });
    if (payment.status === "refunded" && isRefundable(order)) {
      const ended = (await orders.apply(refundedElsewhere(order, payment, leaseMs))) ?? (await reread(order));
      return ended.work === "restock" ? restock(call, ended) : ended;
    }
    return (await orders.apply(paymentSeen(order, payment))) ?? reread(order);
  }

  return { place, pay, cancel, refund, advance, settled, paymentChanged };
}

export type OrderProcess = ReturnType<typeof orderProcess>;
