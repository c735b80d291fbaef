import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { conflict, ShopError, unavailable } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Money, won } from "../../lib/money";
import { isPast, now } from "../../lib/time";
import type { Background } from "./background";
import {
  askedKey,
  beginAttempt,
  close,
  decline,
  dropAttempt,
  holdRefund,
  observe,
  type Payment,
  stepsOf,
  totalsOf,
} from "./payment";
import { type Cause, news, PaymentSteps, type StepParts } from "./payment.steps";
import type { Charge, Confirmed } from "./providers/provider";

export interface ProcessParts extends StepParts {
  call: Call;
  background: Background;
  /** How long a second key waits for the first one's outcome, in milliseconds. */
  patienceMs: number;
}

export interface RefundOrder {
  orderId: string;
  refundId: string;
  amount: Money;
  reason: string;
}

const outcomeUnknown = () =>
  unavailable("PAYMENT_OUTCOME_UNKNOWN", "The payment provider gave no answer; the payment settles by itself.");

const byOrder: Cause = { by: "order" };

/** What the order asks of its payment. Each may be asked again, from any node, at any time. */
export class PaymentProcess {
  private readonly steps: PaymentSteps;
  private readonly byItself: Cause;

  constructor(private readonly parts: ProcessParts) {
    this.steps = new PaymentSteps(parts);
    this.byItself = { by: "background", call: parts.call };
  }

  async prepare(orderId: string, customerId: string, amount: Money): Promise<Payment> {
    const { store, providers } = this.parts;
    const fresh: Payment = {
      _id: newId(),
      rev: 0,
      orderId,
      customerId,
      provider: providers.chosen.name,
      amount,
      attempts: {},
      tries: 0,
      refunds: {},
      createdAt: now(),
    };
    const payment = await store.insert(fresh);
    if (payment.remote || payment.closed) return payment;
    crashPoint("payment.prepare.stored");
    const provider = providers.named(payment.provider);
    const remote = await provider.prepare({ ...payment, idempotencyKey: `prepare-${payment._id}` });
    return remote ? store.change(payment, (current) => (current.remote ? current : { ...current, remote })) : payment;
  }

  async confirm(orderId: string, paymentKey: string): Promise<Payment> {
    const { store, providers } = this.parts;
    const begun = await this.begin(await store.ofOrder(orderId), paymentKey);
    if (begun.paymentKey === paymentKey) return begun;
    crashPoint("payment.confirm.asked");
    const outcome = await providers.named(begun.provider).confirm({
      paymentKey,
      orderId,
      amount: begun.amount,
      idempotencyKey: `${begun._id}-${paymentKey}`,
    });
    crashPoint("payment.confirm.answered");
    return this.conclude(begun, paymentKey, outcome);
  }

  /** What the provider answered, written down and told to whoever asked. */
  private async conclude(payment: Payment, key: string, outcome: Confirmed): Promise<Payment> {
    const { store, metrics } = this.parts;
    metrics.attempt(payment.provider, outcome.kind);
    switch (outcome.kind) {
      case "captured": {
        const written = await store.change(payment, (current) => {
          const next = observe(current, outcome.charge);
          // Whoever closed the payment was told that nothing was captured.
          return current.closed && next !== current ? { ...next, ...news() } : next;
        });
        crashPoint("payment.confirm.recorded");
        if (written.paymentKey === key && !written.closed) return written;
        await this.steps.all(written, this.byItself);
        throw conflict("PAYMENT_CLOSED", "The order takes no payment any more; the charge is given back.");
      }
      case "declined":
        await store.change(payment, (current) => decline(current, key, outcome.code));
        throw new ShopError(402, "PAYMENT_DECLINED", "The payment was declined.", { extra: { reason: outcome.code } });
      case "mismatch":
      case "not-found":
        await store.change(payment, (current) => dropAttempt(current, key));
        if (outcome.kind === "mismatch" && outcome.of === "amount")
          throw new ShopError(422, "AMOUNT_MISMATCH", "The charge has another amount than the order.");
        throw new ShopError(402, "PAYMENT_DECLINED", "The provider has no such charge for this order.");
      case "unknown":
        return this.unlessKnown(await store.postpone(payment), key);
    }
  }

  /** A webhook may have brought the outcome while the provider's own answer was lost. */
  private async unlessKnown(payment: Payment, key: string): Promise<Payment> {
    const current = await this.parts.store.ofOrder(payment.orderId);
    if (current.paymentKey === key && !current.closed) return current;
    throw outcomeUnknown();
  }

  /** One key at a time: two that are charged at once would be one charge too many. */
  private async begin(payment: Payment, key: string): Promise<Payment> {
    const { store, patienceMs } = this.parts;
    const until = Date.now() + patienceMs;
    const rivalOf = (current: Payment) =>
      Object.keys(current.attempts).find((other) => other !== key && current.attempts[other]?.state === "asked");
    let current = payment;
    for (;;) {
      current = await store.change(current, (seen) => (rivalOf(seen) ? seen : beginAttempt(seen, key)));
      if (!rivalOf(current)) return current;
      if (Date.now() >= until) throw outcomeUnknown();
      if (current.due && isPast(current.due)) current = await this.steps.all(current, this.byItself);
      await sleep(25);
      current = await store.ofOrder(payment.orderId);
    }
  }

  async settle(orderId: string): Promise<Payment> {
    const payment = await this.steps.all(await this.parts.store.ofOrder(orderId), byOrder);
    if (askedKey(payment)) throw outcomeUnknown();
    return payment;
  }

  async close(orderId: string, reason: string): Promise<Payment> {
    const { store, background } = this.parts;
    const closed = await store.change(await store.ofOrder(orderId), (current) => close(current, reason));
    crashPoint("payment.close.stored");
    // Looking for charges that nobody told us of has time; money that we know of goes back now.
    if (stepsOf(closed).some(({ kind }) => kind !== "search")) return this.steps.all(closed, byOrder);
    background.start("closing a payment", () => this.steps.all(closed, this.byItself));
    return closed;
  }

  async refund({ orderId, refundId, amount, reason }: RefundOrder): Promise<Payment> {
    const { store } = this.parts;
    const before = await store.ofOrder(orderId);
    const held = await store.change(before, (current) => holdRefund(current, refundId, amount, reason));
    crashPoint("payment.refund.held");
    if (held.refunds[refundId]?.state === "done") return held;
    const after = await this.steps.all(held, byOrder);
    const refund = after.refunds[refundId];
    if (refund?.state === "refused")
      throw conflict("REFUND_REFUSED", "The payment provider refused to give the money back.");
    if (refund?.state === "asked") throw outcomeUnknown();
    return after;
  }

  /**
   * The provider told of a charge: what it says when asked is taken over, and what follows is done. `call` goes on with
   * the trace of the webhook.
   */
  async observed(provider: string, charge: Charge, call = this.parts.call): Promise<Payment | null> {
    const { store } = this.parts;
    const payment = await store.payments.findOne({ orderId: charge.orderId, provider });
    if (!payment) return null;
    const cause: Cause = { by: "background", call };
    const seen = await this.steps.change(payment, cause, (current) => observe(current, charge));
    crashPoint("payment.webhook.recorded");
    return seen.rev !== payment.rev ? this.steps.all(seen, cause) : seen;
  }

  /** Goes on with what a dead or failed node left. */
  goOn(payment: Payment): Promise<Payment> {
    return this.steps.all(payment, this.byItself);
  }

  async totals(): Promise<{ captured: Money; refunded: Money }> {
    const { captured, refunded } = totalsOf(await this.parts.store.payments.find({}));
    return { captured: won(captured), refunded: won(refunded) };
  }
}
