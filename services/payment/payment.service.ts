import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import { action, type Call, callOf, type ShopContext } from "../../lib/actions";
import { notFound } from "../../lib/errors";
import { nodeOf } from "../../lib/node";
import { Type } from "../../lib/schema";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { maintenanceMixin } from "../../mixins/maintenance.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import { Background } from "./background";
import { operationsActions } from "./operations.actions";
import type { Payment } from "./payment";
import { paymentConfig } from "./payment.config";
import { paymentMetrics, troubledMixin } from "./payment.metrics";
import { PaymentProcess } from "./payment.process";
import {
  ById,
  Close,
  Confirm,
  OfOrder,
  PaymentView,
  Prepare,
  RefundParams,
  Summary,
  Totals,
  toSummary,
  toView,
  Webhook,
} from "./payment.schema";
import { openPayments, openReceived, PaymentStore, ReceivedStore } from "./payment.store";
import { PaymentWebhooks } from "./payment.webhooks";
import { providersOf } from "./providers/providers";

const KEEP_WEBHOOKS_MS = 3 * 24 * 3600 * 1000;
const CLEAN_EVERY_MS = 3600 * 1000;

/** Calls that go on with a request's trace after it was answered. */
const callAfter = (broker: ServiceBroker, ctx: ShopContext): Call => {
  const call = callOf(broker);
  return (name, params, options) => call(name, params, { ...options, parentCtx: ctx as unknown as Context });
};

/** Payments of orders: charged once, given back exactly, whatever the provider and the network do. */
export default function paymentService(broker: ServiceBroker): ServiceSchema {
  const { config, environment, store, metrics: node } = nodeOf(broker);
  const { leaseMs, payment: settings } = environment;
  const payments = openPayments(store);
  const received = openReceived(store);
  const receivedStore = new ReceivedStore(received, leaseMs);
  const providers = providersOf(broker);
  const metrics = paymentMetrics(node);
  const paymentStore = new PaymentStore(payments, leaseMs, metrics.became);
  const logger = broker.getLogger("payment");
  const background = new Background(logger);
  const process = new PaymentProcess({
    store: paymentStore,
    providers,
    metrics,
    call: callOf(broker),
    logger,
    background,
    patienceMs: settings.timeoutMs,
  });
  const webhooks = new PaymentWebhooks({ store: receivedStore, providers, process, metrics, background });
  const summary = async (payment: Promise<Payment>) => {
    const known = await payment;
    return toSummary(known, providers.named(known.provider));
  };
  const timeout = settings.callMs;

  return {
    name: "payment",
    mixins: [
      sweeperMixin({ collection: payments, handle: (payment) => process.goOn(payment), leaseMs }),
      sweeperMixin({ collection: received, handle: (webhook) => webhooks.handle(webhook), leaseMs }),
      troubledMixin(node, () => paymentStore.troubled()),
      { stopped: () => background.idle() },
      maintenanceMixin(CLEAN_EVERY_MS, () => receivedStore.forget(KEEP_WEBHOOKS_MS)),
      collectionsMixin(payments, received),
    ],
    settings: { rest: "/" },
    metadata: { config: config.metadata(paymentConfig) },

    actions: {
      prepare: action({
        params: Prepare,
        returns: Summary,
        retryable: true,
        timeout,
        handler: ({ params }) => summary(process.prepare(params.orderId, params.customerId, params.amount)),
      }),
      confirm: action({
        params: Confirm,
        returns: Summary,
        timeout,
        handler: ({ params }) => summary(process.confirm(params.orderId, params.paymentKey)),
      }),
      settle: action({
        params: OfOrder,
        returns: Summary,
        timeout,
        handler: ({ params }) => summary(process.settle(params.orderId)),
      }),
      close: action({
        params: Close,
        returns: Summary,
        timeout,
        handler: ({ params }) => summary(process.close(params.orderId, params.reason)),
      }),
      refund: action({
        params: RefundParams,
        returns: Summary,
        timeout,
        handler: ({ params }) => summary(process.refund(params)),
      }),
      ...operationsActions({ payments, received: receivedStore, providers, process, logger, timeout: 2 * timeout }),
      totals: action({
        params: Type.Object({}),
        returns: Totals,
        handler: () => process.totals(),
      }),
      get: action({
        rest: "GET /payments/:id",
        access: "signed-in",
        summary: "A payment, for its customer and for admins",
        params: ById,
        returns: PaymentView,
        errors: [[404, "PAYMENT_NOT_FOUND"]],
        handler: async ({ params, meta }) => {
          const payment = await payments.get(params.id);
          const may = payment?.customerId === meta.user?.id || meta.user?.roles.includes("admin");
          if (!payment || !may) throw notFound("PAYMENT_NOT_FOUND", "There is no such payment.");
          return toView(payment, providers.named(payment.provider), payment.customerId === meta.user?.id);
        },
      }),
      webhook: action({
        rest: "POST /payments/webhooks/:provider",
        access: "anyone",
        rawBody: true,
        limit: "webhook",
        summary: "What a payment provider tells; stored, then handled in the background",
        params: Webhook,
        returns: Type.Object({}),
        errors: [
          [400, "BAD_SIGNATURE"],
          [400, "MALFORMED_JSON"],
          [404, "PROVIDER_NOT_FOUND"],
          [413, "PAYLOAD_TOO_LARGE"],
        ],
        handler: async (ctx) => {
          const { provider, body, headers } = ctx.params;
          await webhooks.receive(provider, body, headers, callAfter(broker, ctx));
          return {};
        },
      }),
    },
  };
}
