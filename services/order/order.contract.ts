declare module "../../lib/actions" {
  interface ActionMap {
    /** A payment's state changed without the order asking (webhook, reconciliation): the order goes on. Idempotent. */
    "order.paymentChanged": { params: { orderId: string }; result: null };
    /** A user is erased: personal data leaves the orders that are finished, and the others as they finish. Idempotent. */
    "order.anonymise": { params: { customerId: string }; result: null };
  }
}

export {};
