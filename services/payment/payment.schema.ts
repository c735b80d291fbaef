import { Id, MoneySchema, OneOf, type Static, Strict, Timestamp, Type } from "../../lib/schema";
import { askedKey, type Payment, refunded, statusOf } from "./payment";
import type { PaymentSummary } from "./payment.contract";
import type { Provider } from "./providers/provider";

const Status = OneOf("ready", "paid", "failed", "cancelled", "partially_refunded", "refunded");
const Reason = Type.String({ minLength: 1, maxLength: 500 });

/** As providers make them; anything else could not be one. */
export const PaymentKey = Type.String({ minLength: 1, maxLength: 200, pattern: "^[A-Za-z0-9_-]+$" });

const summaryFields = {
  id: Id,
  orderId: Id,
  provider: Type.String(),
  status: Status,
  amount: MoneySchema,
  refunded: MoneySchema,
  paymentKey: Type.Optional(Type.String({ description: "the charge that paid" })),
};
const Client = Type.Record(Type.String(), Type.Unknown(), { description: "what the customer's client needs to pay" });

export const Summary = Type.Object({
  ...summaryFields,
  rev: Type.Integer({ description: "grows with each change: of two answers the higher is newer" }),
  open: Type.Boolean({ description: "a charge was asked for and how it ended is not known" }),
  client: Client,
});
export const PaymentView = Type.Object({
  ...summaryFields,
  client: Type.Optional(Client),
  refunds: Type.Array(
    Type.Object({
      id: Type.String(),
      amount: MoneySchema,
      reason: Type.String(),
      status: Type.String(),
      at: Timestamp,
    }),
  ),
  createdAt: Timestamp,
});
export type PaymentView = Static<typeof PaymentView>;

export const Prepare = Strict({ orderId: Id, customerId: Id, amount: MoneySchema });
export const Confirm = Strict({ orderId: Id, paymentKey: PaymentKey });
export const OfOrder = Strict({ orderId: Id });
export const Close = Strict({ orderId: Id, reason: Reason });
export const RefundParams = Strict({ orderId: Id, refundId: Id, amount: MoneySchema, reason: Reason });
export const ById = Strict({ id: Id });
export const Totals = Type.Object({ captured: MoneySchema, refunded: MoneySchema });
export const Webhook = Strict({
  provider: Type.String({ pattern: "^[a-z]{1,20}$" }),
  body: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
});

export function toSummary(payment: Payment, provider: Provider): PaymentSummary {
  const { _id, orderId, amount, paymentKey } = payment;
  return {
    id: _id,
    orderId,
    rev: payment.rev,
    provider: payment.provider,
    status: statusOf(payment),
    amount,
    refunded: { ...amount, amount: refunded(payment) },
    open: askedKey(payment) !== undefined,
    client: provider.client(payment),
    ...(paymentKey && { paymentKey }),
  };
}

/** Only the customer needs the means to pay. */
export function toView(payment: Payment, provider: Provider, forCustomer: boolean): PaymentView {
  const { client, rev: _, open: __, ...summary } = toSummary(payment, provider);
  return {
    ...summary,
    ...(forCustomer && { client }),
    refunds: Object.entries(payment.refunds).map(([id, { amount, reason, state, at }]) => ({
      id,
      amount: { ...payment.amount, amount },
      reason,
      status: state,
      at,
    })),
    createdAt: payment.createdAt,
  };
}
