import Stripe from "stripe";
import { ShopError, unavailable } from "../../../lib/errors";
import type { Money } from "../../../lib/money";
import {
  type Charge,
  type Confirmed,
  type ConfirmRequest,
  type Found,
  type Notice,
  type Provider,
  type RefundRequest,
  type Remote,
  type Returned,
  unknown,
} from "./provider";

export interface StripeOptions {
  secretKey: string;
  publishableKey: string;
  webhookSecret: string;
  /** Another address than Stripe's own. */
  url?: string;
  /** Milliseconds for one question and its repetitions. */
  timeoutMs: number;
}

/** Where Stripe counts in another unit than ISO 4217 does; KRW and JPY are the same in both. Source: docs.stripe.com/currencies. */
const SCALES: Partial<Record<string, number>> = { ISK: 100, UGX: 100, MGA: 0.01 };

export const toStripeAmount = ({ amount, currency }: Money): number => Math.round(amount * (SCALES[currency] ?? 1));

export function fromStripeAmount(amount: number, stripeCurrency: string): Money {
  const currency = stripeCurrency.toUpperCase();
  return { amount: Math.round(amount / (SCALES[currency] ?? 1)), currency };
}

/** A look at an intent is quick or not at all: together with a capture it stays below a call's five seconds. */
const LOOK_MS = 1500;

const { errors } = Stripe;

/** Errors after which nobody knows whether it was done, or that are about our set-up and not about the payment. */
const saysNothing = (error: unknown): boolean =>
  !(error instanceof errors.StripeError) ||
  error instanceof errors.StripeConnectionError ||
  error instanceof errors.StripeAPIError ||
  error instanceof errors.StripeRateLimitError ||
  error instanceof errors.StripeAuthenticationError ||
  error instanceof errors.StripePermissionError ||
  (error.statusCode ?? 0) >= 500 ||
  error.statusCode === 409;

const codeOf = (error: unknown): string => {
  if (error instanceof errors.StripeError) return error.decline_code ?? error.code ?? error.type;
  return error instanceof Error ? error.name : "NETWORK";
};

function toCharge(intent: Stripe.PaymentIntent): Charge {
  const charge = typeof intent.latest_charge === "object" ? intent.latest_charge : null;
  const captured = intent.status === "succeeded";
  const failed = intent.status === "canceled";
  return {
    paymentKey: intent.id,
    orderId: intent.metadata.orderId ?? "",
    amount: fromStripeAmount(captured ? intent.amount_received : intent.amount, intent.currency),
    refunded: captured && charge ? fromStripeAmount(charge.amount_refunded, intent.currency).amount : 0,
    state: captured ? "captured" : failed ? "failed" : "open",
    ...(failed && { code: intent.cancellation_reason ?? "canceled" }),
  };
}

function clientFor({ secretKey, url, timeoutMs }: StripeOptions): Stripe {
  const address = url ? new URL(url) : undefined;
  return new Stripe(secretKey, {
    timeout: timeoutMs,
    maxNetworkRetries: 2,
    telemetry: false,
    ...(address && {
      host: address.hostname,
      port: address.port || (address.protocol === "https:" ? 443 : 80),
      protocol: address.protocol === "https:" ? "https" : "http",
    }),
  });
}

class Late extends Error {
  override readonly name = "Late";
}

/** The library's repetitions each have the whole time limit; together they shall not take longer than one. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late()), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Stripe with PaymentIntents that are captured by hand: the customer authorises in the browser, our confirmation
 * captures, and whoever walks away is not charged. The `paymentKey` is the intent's id.
 */
export function stripeProvider(options: StripeOptions): Provider {
  const { publishableKey, webhookSecret, timeoutMs } = options;
  const stripe = clientFor(options);

  async function retrieve(id: string): Promise<Stripe.PaymentIntent | Exclude<Found, { kind: "found" }>> {
    try {
      return await within(
        Math.min(timeoutMs, LOOK_MS),
        stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] }),
      );
    } catch (error) {
      if (error instanceof errors.StripeInvalidRequestError && error.statusCode === 404) return { kind: "not-found" };
      return unknown(codeOf(error));
    }
  }

  async function fetchCharge(id: string): Promise<Found> {
    const intent = await retrieve(id);
    return "kind" in intent ? intent : { kind: "found", charge: toCharge(intent) };
  }

  /** A capture that was refused or got no answer: the intent says what came of it. */
  async function conclude(id: string, error: unknown): Promise<Confirmed> {
    const found = await fetchCharge(id);
    if (found.kind !== "found") return found;
    const { charge } = found;
    if (charge.state === "captured") return { kind: "captured", charge };
    if (charge.state === "failed") return { kind: "declined", code: charge.code ?? codeOf(error) };
    return saysNothing(error) ? unknown(codeOf(error)) : { kind: "declined", code: codeOf(error) };
  }

  return {
    name: "stripe",

    async prepare({ orderId, amount, idempotencyKey }): Promise<Remote> {
      try {
        const params: Stripe.PaymentIntentCreateParams = {
          amount: toStripeAmount(amount),
          currency: amount.currency.toLowerCase(),
          capture_method: "manual",
          metadata: { orderId },
        };
        const intent = await within(timeoutMs, stripe.paymentIntents.create(params, { idempotencyKey }));
        return { id: intent.id, clientSecret: intent.client_secret ?? "" };
      } catch {
        throw unavailable("PROVIDER_UNAVAILABLE", "The payment provider cannot be reached.");
      }
    },

    client: ({ orderId, amount, remote }) => ({
      publishableKey,
      clientSecret: remote?.clientSecret,
      paymentKey: remote?.id,
      orderId,
      amount: amount.amount,
    }),

    async confirm({ paymentKey, orderId, amount, idempotencyKey }: ConfirmRequest): Promise<Confirmed> {
      const intent = await retrieve(paymentKey);
      if ("kind" in intent) return intent;
      const charge = toCharge(intent);
      if (charge.orderId !== orderId) return { kind: "mismatch", of: "order" };
      if (charge.state === "captured") return { kind: "captured", charge };
      if (charge.state === "failed") return { kind: "declined", code: charge.code ?? intent.status };
      if (charge.amount.amount !== amount.amount || charge.amount.currency !== amount.currency)
        return { kind: "mismatch", of: "amount" };
      if (intent.status === "processing") return unknown("processing");
      if (intent.status !== "requires_capture")
        return { kind: "declined", code: intent.last_payment_error?.code ?? intent.status };
      try {
        const captured = await within(timeoutMs, stripe.paymentIntents.capture(paymentKey, {}, { idempotencyKey }));
        return { kind: "captured", charge: toCharge(captured) };
      } catch (error) {
        return conclude(paymentKey, error);
      }
    },

    fetch: fetchCharge,
    fetchByOrder: async ({ remote }) => (remote ? fetchCharge(remote.id) : { kind: "not-found" }),

    async release(paymentKey) {
      // One that is captured or ended already refuses; what it is, `fetch` tells.
      await within(timeoutMs, stripe.paymentIntents.cancel(paymentKey)).catch(() => undefined);
    },

    async refund({ paymentKey, amount, reason, idempotencyKey }: RefundRequest): Promise<Returned> {
      try {
        const params: Stripe.RefundCreateParams = {
          payment_intent: paymentKey,
          amount: toStripeAmount(amount),
          reason: "requested_by_customer",
          metadata: { reason: reason.slice(0, 500) },
        };
        const refund = await within(timeoutMs, stripe.refunds.create(params, { idempotencyKey }));
        const refused = refund.status === "failed" || refund.status === "canceled";
        return refused
          ? { kind: "refused", code: refund.failure_reason ?? refund.status ?? "failed" }
          : { kind: "refunded" };
      } catch (error) {
        return saysNothing(error) ? unknown(codeOf(error)) : { kind: "refused", code: codeOf(error) };
      }
    },

    parseWebhook(body, headers): Notice {
      const event = readEvent(stripe, body, headers["stripe-signature"] ?? "", webhookSecret);
      const { object } = event.data;
      const about = "object" in object && object.object === "payment_intent" ? object : paymentOf(object);
      return { eventId: event.id, ...(about && "id" in about && { paymentKey: about.id }) };
    },
  };
}

/** Charges, refunds and disputes name the intent that they belong to. */
function paymentOf(object: object): { id: string } | undefined {
  const intent = "payment_intent" in object ? object.payment_intent : undefined;
  if (typeof intent === "string") return { id: intent };
  const id = typeof intent === "object" && intent && "id" in intent ? intent.id : undefined;
  return typeof id === "string" ? { id } : undefined;
}

/** Throws 400 BAD_SIGNATURE for what Stripe did not sign in the last five minutes. */
function readEvent(stripe: Stripe, body: string, signature: string, secret: string): Stripe.Event {
  try {
    // Anyone can sign with a secret that is empty.
    if (secret) return stripe.webhooks.constructEvent(body, signature, secret);
  } catch {
    // falls through to the one answer for all that is not signed
  }
  throw new ShopError(400, "BAD_SIGNATURE", "The webhook's signature is not that of the provider.");
}
