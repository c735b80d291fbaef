import type { CloudEvent } from "../../lib/events";
import type { Nothing } from "../../lib/schema";
import type * as operations from "./operations.schema";
import type { OrderEventType, OrderFact } from "./order.events";
import type * as schema from "./order.schema";

declare module "../../lib/actions" {
  interface ActionMap {
    /** A payment's state changed without the order asking (webhook, reconciliation): the order goes on. Idempotent. */
    "order.paymentChanged": Asked<typeof schema.PaymentChangedParams, typeof Nothing>;
    /** A user is erased: personal data leaves the orders that are finished, and the others as they finish. Idempotent. */
    "order.anonymise": Asked<typeof schema.AnonymiseParams, typeof Nothing>;
    /** An order that the caller may see. 404 ORDER_NOT_FOUND. */
    "order.find": Asked<typeof schema.OrderParams, typeof schema.OrderView>;
    /** A customer's orders, newest first. */
    "order.ofCustomer": Asked<typeof schema.OfCustomerParams, typeof schema.OrderLines>;
    /** Orders whose process does not go on: what is due is taken up by nobody, or failed several times in a row. */
    "order.stuck": Asked<typeof operations.StuckParams, typeof operations.StuckOrders>;
    /**
     * The next sweeper takes the order's process up, whatever it waits for. Idempotent. 404 ORDER_NOT_FOUND;
     * 409 NOTHING_DUE where nothing is left to do, or the order only waits for its customer to pay.
     */
    "order.retry": Asked<typeof operations.RetryParams, typeof operations.StuckOrder>;
    /** Everything about an order, by its id or its number. 404 ORDER_NOT_FOUND. */
    "order.story": Asked<typeof operations.StoryParams, typeof operations.OrderStory>;
  }
}

type OrderEvents = { [T in OrderEventType]: CloudEvent<T, OrderFact<T>> };

declare module "../../lib/events" {
  interface EventMap extends OrderEvents {}
}
