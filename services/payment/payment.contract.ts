import type { Static } from "../../lib/schema";
import type * as operations from "./operations.schema";
import type * as schema from "./payment.schema";

export type PaymentStatus = PaymentSummary["status"];

/** What a customer's client needs to pay; its members depend on the provider. */
export type PaymentClient = PaymentSummary["client"];

export type PaymentSummary = Static<typeof schema.Summary>;

declare module "../../lib/actions" {
  interface ActionMap {
    /** The payment of an order, made at the first call. */
    "payment.prepare": Asked<typeof schema.Prepare, typeof schema.Summary>;
    /**
     * Charges once, however often and from wherever it is called. 402 PAYMENT_DECLINED; 409 PAYMENT_CLOSED when the
     * order is dead or another key paid; 503 PAYMENT_OUTCOME_UNKNOWN when the provider gave no answer: then it is found
     * out later and `order.paymentChanged` told.
     */
    "payment.confirm": Asked<typeof schema.Confirm, typeof schema.Summary>;
    /** What is known, after asking the provider where an outcome is open. 503 PAYMENT_OUTCOME_UNKNOWN. */
    "payment.settle": Asked<typeof schema.OfOrder, typeof schema.Summary>;
    /**
     * The order is dead: no later charge is kept. What was captured, now or later, is given back in full, durably from
     * this answer on; the status follows (`cancelled`, or `refunded`) and `order.paymentChanged` tells. While the answer is
     * `open` it is not known whether there was anything to give back.
     */
    "payment.close": Asked<typeof schema.Close, typeof schema.Summary>;
    /**
     * Gives back a part or all, once for each `refundId`. 409 REFUND_EXCEEDS_PAYMENT when more than is left;
     * 503 PAYMENT_OUTCOME_UNKNOWN when the provider gave no answer: it goes on by itself and `order.paymentChanged` tells.
     */
    "payment.refund": Asked<typeof schema.RefundParams, typeof schema.Summary>;
    /** Everything about the payment of an order. 404 PAYMENT_NOT_FOUND. */
    "payment.story": Asked<typeof operations.StoryParams, typeof operations.PaymentStory>;
    /**
     * A page of payments, oldest first, compared with what their providers have; with `fix` what the payment's process
     * would find out by itself is settled, and the order told. Idempotent.
     */
    "payment.reconcile": Asked<typeof operations.ReconcileParams, typeof operations.Reconciled>;
  }
}
