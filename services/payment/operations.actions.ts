import type { ActionSchema, ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import { notFound } from "../../lib/errors";
import type { Collection } from "../../lib/store/collection";
import {
  PaymentStory,
  Reconciled,
  ReconcileParams,
  type PaymentStory as Story,
  StoryParams,
} from "./operations.schema";
import { type Payment, refunded, statusOf, stepsOf } from "./payment";
import type { PaymentProcess } from "./payment.process";
import type { ReceivedStore } from "./payment.store";
import type { Providers } from "./providers/providers";
import { reconciling } from "./reconciling";

interface Parts {
  payments: Collection<Payment>;
  received: ReceivedStore;
  providers: Providers;
  process: PaymentProcess;
  logger: ServiceBroker["logger"];
  /** For what asks the provider several times, in milliseconds. */
  timeout: number;
}

function storyOf(payment: Payment, webhooks: Story["webhooks"]): Story {
  const { _id: id, provider, amount, closed, due, stuck = 0, createdAt } = payment;
  const money = (minor: number) => ({ ...amount, amount: minor });
  return {
    id,
    provider,
    status: statusOf(payment),
    amount,
    refunded: money(refunded(payment)),
    createdAt,
    attempts: Object.entries(payment.attempts).map(([key, { state, at, code }]) => ({
      key,
      state,
      at,
      ...(code && { code }),
    })),
    refunds: Object.entries(payment.refunds).map(([refundId, { amount: minor, state, reason, at, code }]) => ({
      ...{ id: refundId, amount: money(minor), state, reason, at },
      ...(code && { code }),
    })),
    ...(closed && { closed }),
    left: stepsOf(payment).map(({ kind }) => kind),
    ...(due && { due }),
    failures: stuck,
    webhooks,
  };
}

/** What whoever operates the shop asks: `payment.contract.ts` says what each promises. */
export function operationsActions(parts: Parts): Record<string, ActionSchema> {
  const { payments, received, logger, timeout } = parts;
  const reconcile = reconciling(parts);

  return {
    story: action({
      params: StoryParams,
      returns: PaymentStory,
      retryable: true,
      async handler({ params: { orderId } }) {
        const payment = await payments.findOne({ orderId });
        if (!payment) throw notFound("PAYMENT_NOT_FOUND", `There is no payment of order ${orderId}.`);
        const webhooks = await received.about(payment.provider, Object.keys(payment.attempts));
        const shown = webhooks.map(({ _id: id, receivedAt, handledAt }) => ({
          id,
          receivedAt,
          ...(handledAt && { handledAt }),
        }));
        return storyOf(payment, shown);
      },
    }),

    reconcile: action({
      params: ReconcileParams,
      returns: Reconciled,
      timeout,
      async handler({ params: { since, operator, ...page } }) {
        const outcome = await reconcile(since, page);
        for (const { settled, kind, paymentId, orderId } of outcome.items)
          if (settled)
            logger.info({ operator, paymentId, orderId, kind }, "a payment was reconciled with its provider");
        return outcome;
      },
    }),
  };
}
