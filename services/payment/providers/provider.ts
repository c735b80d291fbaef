import type { Money } from "../../../lib/money";
import type { PaymentClient } from "../payment.contract";

/** A charge as the provider knows it. */
export interface Charge {
  paymentKey: string;
  orderId: string;
  amount: Money;
  /** Given back so far, in the minor unit of `amount`. */
  refunded: number;
  /** `open` may still be captured, `failed` never will be. */
  state: "open" | "captured" | "failed";
  /** Why it failed, in the provider's words. */
  code?: string;
}

/** No answer is no outcome: whoever gets `unknown` asks again before saying anything. */
export interface Unknown {
  kind: "unknown";
  reason: string;
}

export type Found = { kind: "found"; charge: Charge } | { kind: "not-found" } | Unknown;

export type Confirmed =
  | { kind: "captured"; charge: Charge }
  | { kind: "declined"; code: string }
  /** The key is of another order, or of another amount; nothing was charged. */
  | { kind: "mismatch"; of: "order" | "amount" }
  | { kind: "not-found" }
  | Unknown;

export type Returned = { kind: "refunded" } | { kind: "refused"; code: string } | Unknown;

export interface ConfirmRequest {
  paymentKey: string;
  orderId: string;
  amount: Money;
  idempotencyKey: string;
}

export interface RefundRequest {
  paymentKey: string;
  amount: Money;
  reason: string;
  /** One refund for each, however often it is sent. */
  idempotencyKey: string;
}

/** What a provider made for an order before the customer pays. */
export interface Remote {
  id: string;
  clientSecret: string;
}

/** What is kept of an order's payment and what a provider needs to know of it. */
export interface Reference {
  orderId: string;
  amount: Money;
  remote?: Remote;
}

/** What a webhook is about; its content is never believed, the charge is asked for. */
export interface Notice {
  /** The same for each delivery of one event. */
  eventId: string;
  /** Absent where the event is about no payment. */
  paymentKey?: string;
}

/**
 * A payment provider, two-phased: the customer authorises a charge at the provider, which answers with a `paymentKey`,
 * and only our confirmation captures it. No method rejects because of the provider; `unknown` says so instead.
 */
export interface Provider {
  readonly name: string;
  /** What the provider must have before a customer can pay; undefined where it needs nothing. Throws 503 PROVIDER_UNAVAILABLE. */
  prepare(reference: Reference & { idempotencyKey: string }): Promise<Remote | undefined>;
  /** What the customer's client needs to pay. */
  client(reference: Reference): PaymentClient;
  confirm(request: ConfirmRequest): Promise<Confirmed>;
  fetch(paymentKey: string): Promise<Found>;
  /** The charge for an order, the captured one where there are several. */
  fetchByOrder(reference: Reference): Promise<Found>;
  /** Ends a charge that is not captured yet, where the provider can; ask with `fetch` what came of it. */
  release(paymentKey: string): Promise<void>;
  refund(request: RefundRequest): Promise<Returned>;
  /** Throws 400 BAD_SIGNATURE where the provider signs and this is not signed by it, 400 MALFORMED_JSON. */
  parseWebhook(body: string, headers: Record<string, string>): Notice;
}

export const unknown = (reason: string): Unknown => ({ kind: "unknown", reason });
