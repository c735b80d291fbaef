import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { conflict } from "../../lib/errors";
import { nodeOf } from "../../lib/node";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { idempotencyMixin, operationId } from "../../mixins/idempotency.mixin";
import { outboxOf } from "../../mixins/outbox.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import { isStaff, requireTotal, shown, visibleOrder } from "./access";
import { adminActions } from "./admin.actions";
import { cartActions } from "./cart.actions";
import { cartStore } from "./cart.store";
import { internalActions } from "./internal.actions";
import { operationsActions, sweeping } from "./operations.actions";
import { hasOperation, isPaidBy, newOrder } from "./order";
import { orderConfig } from "./order.config";
import { orderEvents } from "./order.events";
import { orderProcess } from "./order.process";
import { CancelParams, ListParams, OrderPage, OrderParams, OrderView, PayParams, PlaceParams } from "./order.schema";
import { orderStore } from "./order.store";
import { linesToOrder, pricedLines, requireAccepting, requirePayable, shippingAddressOf } from "./placing";
import { orderView } from "./view";

export default function orderService(broker: ServiceBroker): ServiceSchema {
  const { config, environment, store, metrics } = nodeOf(broker);
  const settings = config.of(orderConfig);
  const { leaseMs } = environment;
  /** What asks `payment` waits longer than that may take, to hear how it ended. */
  const timeout = environment.payment.callMs + 1000;
  const stepped = (type: string) => metrics.orders.inc({ step: type.replace("order.", "") });
  const orders = orderStore(store, () => outbox.wake(), stepped);
  const carts = cartStore(store);
  const outbox = outboxOf(broker, { service: "order", collection: orders.collection, events: orderEvents });
  const process = orderProcess({ orders, carts, leaseMs });

  return {
    name: "order",
    mixins: [
      idempotencyMixin(broker, "order"),
      sweeperMixin({
        collection: orders.collection,
        leaseMs,
        handle: sweeping(orders, (order) => process.advance(callOf(broker), order)),
      }),
      outbox.mixin,
      collectionsMixin(orders.collection, carts.collection),
    ],
    settings: { rest: "/" },
    metadata: { events: orderEvents.schemas, config: config.metadata(orderConfig) },
    dependencies: ["product", "payment", "user"],

    actions: {
      ...cartActions(carts, settings),
      ...adminActions({ orders, process, leaseMs, timeout }),
      ...internalActions({ orders, carts, process, timeout }),
      ...operationsActions(orders, broker.getLogger("order")),

      place: action({
        rest: "POST /orders",
        access: ["customer"],
        summary: "Orders the given items, or without any the cart",
        idempotency: "required",
        timeout,
        params: PlaceParams,
        returns: OrderView,
        status: 201,
        errors: [
          [404, "ADDRESS_NOT_FOUND"],
          [409, "INSUFFICIENT_STOCK"],
          [422, "CART_EMPTY"],
          [422, "ORDER_TOO_LARGE"],
          [422, "UNKNOWN_SKU"],
          [422, "ADDRESS_REQUIRED"],
          [503, "ORDERS_CLOSED"],
        ],
        async handler(ctx) {
          const { id: customerId } = callerOf(ctx);
          const id = operationId(ctx);
          const begun = await orders.get(id);
          if (begun)
            return shown(begun.work === "place" ? await process.place(callOf(ctx), begun) : begun, callerOf(ctx));
          requireAccepting(settings.accepting);
          const { lines, cart } = await linesToOrder(carts, customerId, ctx.params.items);
          const [items, shippingAddress] = await Promise.all([
            pricedLines(callOf(ctx), lines),
            shippingAddressOf(callOf(ctx), customerId, ctx.params),
          ]);
          const { paymentWindow, shippingFee } = settings;
          requirePayable(items, shippingFee);
          const order = newOrder({ id, customerId, items, shippingFee, shippingAddress, paymentWindow, cart, leaseMs });
          const inserted = await orders.insert(order);
          crashPoint("order.inserted");
          return shown(await process.place(callOf(ctx), inserted), callerOf(ctx));
        },
      }),

      list: action({
        rest: "GET /orders",
        access: "signed-in",
        summary: "The customer's orders, newest first; agents and admins see all",
        retryable: true,
        params: ListParams,
        returns: OrderPage,
        async handler(ctx) {
          const { status, customerId, ...page } = ctx.params;
          const caller = callerOf(ctx);
          if (!isStaff(caller) && customerId !== undefined && customerId !== caller.id)
            return { items: [], nextCursor: null };
          const found = await orders.list({ status, customerId: isStaff(caller) ? customerId : caller.id }, page);
          return {
            items: found.items.flatMap((order) => orderView(order, caller.id) ?? []),
            nextCursor: found.nextCursor,
          };
        },
      }),

      find: action({
        rest: "GET /orders/:id",
        access: "signed-in",
        summary: "An order of one's own; agents and admins see all",
        retryable: true,
        params: OrderParams,
        returns: OrderView,
        errors: [[404, "ORDER_NOT_FOUND"]],
        async handler(ctx) {
          const caller = callerOf(ctx);
          return shown(await visibleOrder(orders, ctx.params.id, caller, isStaff(caller)), caller);
        },
      }),

      pay: action({
        rest: "POST /orders/:id/payment",
        access: ["customer"],
        summary: "Pays with the key that the provider gave the client",
        idempotency: "required",
        timeout,
        params: PayParams,
        returns: OrderView,
        errors: [
          [402, "PAYMENT_DECLINED"],
          [404, "ORDER_NOT_FOUND"],
          [409, "ORDER_NOT_PAYABLE"],
          [422, "AMOUNT_MISMATCH"],
          [503, "PAYMENT_OUTCOME_UNKNOWN"],
        ],
        async handler(ctx) {
          const { id, paymentKey, amount } = ctx.params;
          const caller = callerOf(ctx);
          const order = await visibleOrder(orders, id, caller, false);
          if (isPaidBy(order, paymentKey)) return shown(order, caller);
          if (order.status !== "awaiting_payment")
            throw conflict("ORDER_NOT_PAYABLE", "This order cannot be paid any more.");
          requireTotal(order, amount);
          return shown(await process.pay(callOf(ctx), order, paymentKey, caller.id), caller);
        },
      }),

      cancel: action({
        rest: "POST /orders/:id/cancel",
        access: ["customer", "admin"],
        summary: "Cancels before shipping: stock goes back, a captured payment is refunded in full",
        idempotency: "optional",
        timeout,
        params: CancelParams,
        returns: OrderView,
        errors: [
          [404, "ORDER_NOT_FOUND"],
          [409, "ORDER_STATE"],
        ],
        async handler(ctx) {
          const caller = callerOf(ctx);
          const operation = operationId(ctx);
          const order = await visibleOrder(orders, ctx.params.id, caller, caller.roles.includes("admin"));
          const act = { by: caller.id, reason: ctx.params.reason, operation };
          const after = hasOperation(order, operation)
            ? await process.advance(callOf(ctx), order)
            : await process.cancel(callOf(ctx), order, act);
          if (!hasOperation(after, operation))
            throw conflict("ORDER_STATE", `An order that is ${after.status} cannot be cancelled.`);
          return shown(after, caller);
        },
      }),
    },
  };
}
