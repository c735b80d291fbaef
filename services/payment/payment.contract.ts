import type { Money } from "../../lib/money";

export type PaymentStatus = "ready" | "paid" | "failed" | "cancelled" | "partially_refunded" | "refunded";

/** What a customer's client needs to pay; its members depend on the provider. */
export type PaymentClient = Record<string, unknown>;

export interface PaymentSummary {
  id: string;
  orderId: string;
  /** Grows with each change of the payment: of two answers the one with the higher is newer. */
  rev: number;
  provider: string;
  status: PaymentStatus;
  amount: Money;
  refunded: Money;
  client: PaymentClient;
  /** The provider's key of the charge that paid, once one did. */
  paymentKey?: string;
}

declare module "../../lib/actions" {
  interface ActionMap {
    /** The payment of an order, made at the first call. */
    "payment.prepare": { params: { orderId: string; customerId: string; amount: Money }; result: PaymentSummary };
    /**
     * Charges once, however often and from wherever it is called. 402 PAYMENT_DECLINED; 409 PAYMENT_CLOSED when the
     * order is dead or another key paid; 503 PAYMENT_OUTCOME_UNKNOWN when the provider gave no answer: then it is found
     * out later and `order.paymentChanged` told.
     */
    "payment.confirm": { params: { orderId: string; paymentKey: string }; result: PaymentSummary };
    /** What is known, after asking the provider where an outcome is open. 503 PAYMENT_OUTCOME_UNKNOWN. */
    "payment.settle": { params: { orderId: string }; result: PaymentSummary };
    /**
     * The order is dead: no later charge is kept. What was captured, now or later, is given back in full, durably from
     * this answer on; the status follows (`cancelled`, or `refunded`) and `order.paymentChanged` tells.
     */
    "payment.close": { params: { orderId: string; reason: string }; result: PaymentSummary };
    /**
     * Gives back a part or all, once for each `refundId`. 409 REFUND_EXCEEDS_PAYMENT when more than is left;
     * 503 PAYMENT_OUTCOME_UNKNOWN when the provider gave no answer: it goes on by itself and `order.paymentChanged` tells.
     */
    "payment.refund": {
      params: { orderId: string; refundId: string; amount: Money; reason: string };
      result: PaymentSummary;
    };
  }
}
