import type { ServiceBroker } from "moleculer";
import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { newId } from "../../lib/ids";
import { currentTrace } from "../../lib/request-scope";
import {
  decline,
  dropAttempt,
  endRefund,
  holdRest,
  markReturned,
  newsOf,
  observe,
  type Payment,
  refundable,
  type Step,
  stepsOf,
} from "./payment";
import type { PaymentMetrics } from "./payment.metrics";
import type { PaymentStore } from "./payment.store";
import type { Charge, Provider } from "./providers/provider";
import type { Providers } from "./providers/providers";

/** What caused a change: the order, which gets it as its answer, or something that it has to be told of with `call`. */
export type Cause = { by: "order" } | { by: "background"; call: Call };

export interface StepParts {
  store: PaymentStore;
  providers: Providers;
  metrics: PaymentMetrics;
  logger: ServiceBroker["logger"];
}

/** What the order is to be told, with the trace of what made it news. */
export const news = (): Pick<Payment, "tell" | "traceparent"> => ({ tell: newId(), ...currentTrace() });

const idOf = (step: Step): string => JSON.stringify(step);

/** Does what a payment's facts leave to do, step by step. Two nodes may do it at once: each step is idempotent. */
export class PaymentSteps {
  constructor(private readonly parts: StepParts) {}

  /**
   * Everything that can be done now; what cannot is postponed and taken up by the sweeper. An order that is asking is
   * not told meanwhile: it would ask again for being told.
   */
  async all(payment: Payment, cause: Cause): Promise<Payment> {
    const tried = new Set<string>();
    let current = payment;
    for (;;) {
      const left = stepsOf(current).filter(({ kind }) => cause.by === "background" || kind !== "tell");
      const step = left.find((candidate) => !tried.has(idOf(candidate)));
      if (step) {
        tried.add(idOf(step));
        current = await this.one(current, step, cause);
        continue;
      }
      if (left.length > 0) return this.parts.store.postpone(current);
      if (!current.tell) await this.parts.store.rest(current);
      return current;
    }
  }

  /** A change that the order did not ask for is marked, so that it is told for sure. */
  change(payment: Payment, cause: Cause, decide: (current: Payment) => Payment): Promise<Payment> {
    return this.parts.store.change(payment, (current) => {
      const next = decide(current);
      const untold = cause.by === "background" && newsOf(next) !== newsOf(current);
      return untold ? { ...next, ...news() } : next;
    });
  }

  private one(payment: Payment, step: Step, cause: Cause): Promise<Payment> {
    switch (step.kind) {
      case "settle":
        return this.settle(payment, step.key, cause);
      case "return":
        return this.giveSurplusBack(payment, step.key, cause);
      case "refund":
        return this.refund(payment, step.id, cause);
      case "give-back":
        return this.change(payment, cause, holdRest);
      case "search":
        return this.search(payment, cause);
      case "tell":
        return cause.by === "order" ? Promise.resolve(payment) : this.tell(payment, cause.call);
    }
  }

  /** An open outcome: the customer asked to pay, so it is asked for again. */
  private async settle(payment: Payment, key: string, cause: Cause): Promise<Payment> {
    const provider = this.providerOf(payment);
    if (payment.closed) return this.settleDead(payment, key, cause);
    const { orderId, amount } = payment;
    const request = { paymentKey: key, orderId, amount, idempotencyKey: `${payment._id}-${key}` };
    const outcome = await provider.confirm(request);
    this.parts.metrics.attempt(payment.provider, outcome.kind);
    if (outcome.kind === "unknown") return payment;
    return this.change(payment, cause, (current) => {
      if (outcome.kind === "captured") return observe(current, outcome.charge);
      return outcome.kind === "declined" ? decline(current, key, outcome.code) : dropAttempt(current, key);
    });
  }

  /** An open outcome of a dead order: nothing is asked for, what can still be charged is ended where the provider can. */
  private async settleDead(payment: Payment, key: string, cause: Cause): Promise<Payment> {
    const provider = this.providerOf(payment);
    const isMine = ({ orderId }: Charge) => orderId === payment.orderId;
    let found = await provider.fetch(key);
    if (found.kind === "found" && isMine(found.charge) && found.charge.state === "open") {
      await provider.release(key);
      found = await provider.fetch(key);
    }
    if (found.kind === "unknown") return payment;
    const charge = found.kind === "found" && isMine(found.charge) ? found.charge : undefined;
    return this.change(payment, cause, (current) => (charge ? observe(current, charge) : dropAttempt(current, key)));
  }

  private async refund(payment: Payment, id: string, cause: Cause): Promise<Payment> {
    const { paymentKey, refunds, amount } = payment;
    const refund = refunds[id];
    if (!paymentKey || !refund) return payment;
    const provider = this.providerOf(payment);
    const returned = await provider.refund({
      paymentKey,
      amount: { ...amount, amount: refund.amount },
      reason: refund.reason,
      idempotencyKey: refund.tries > 1 ? `${payment._id}-${id}-${refund.tries}` : `${payment._id}-${id}`,
    });
    crashPoint("payment.refund.answered");
    const kind = returned.kind === "refused" && (await this.isBack(payment, provider)) ? "refunded" : returned.kind;
    this.parts.metrics.refund(payment.provider, kind);
    if (kind === "unknown") return payment;
    const refusedWith = kind === "refused" && returned.kind === "refused" ? returned.code : undefined;
    const written = await this.change(payment, cause, (current) => endRefund(current, id, refusedWith));
    crashPoint("payment.refund.recorded");
    return written;
  }

  /** A refusal can mean that an earlier try, whose answer was lost, did it: then the provider's sum has all that we ask for. */
  private async isBack(payment: Payment, provider: Provider): Promise<boolean> {
    if (!payment.paymentKey) return false;
    const found = await provider.fetch(payment.paymentKey);
    const asked = payment.amount.amount - refundable(payment);
    return found.kind === "found" && found.charge.refunded >= asked;
  }

  private async giveSurplusBack(payment: Payment, key: string, cause: Cause): Promise<Payment> {
    const left = payment.attempts[key]?.amount ?? payment.amount.amount;
    const provider = this.providerOf(payment);
    const returned = await provider.refund({
      paymentKey: key,
      amount: { ...payment.amount, amount: left },
      reason: "surplus charge",
      idempotencyKey: `${payment._id}-surplus-${key}`,
    });
    this.parts.metrics.refund(payment.provider, returned.kind);
    if (returned.kind === "unknown") return payment;
    if (returned.kind === "refused") {
      const found = await provider.fetch(key);
      if (found.kind !== "found" || found.charge.refunded < found.charge.amount.amount) {
        this.parts.logger.error(
          { paymentId: payment._id, code: returned.code },
          "a surplus charge cannot be given back",
        );
        return payment;
      }
    }
    return this.change(payment, cause, (current) => markReturned(current, key));
  }

  /** A dead order may have been charged without our knowing; what is found is taken over and given back. */
  private async search(payment: Payment, cause: Cause): Promise<Payment> {
    const provider = this.providerOf(payment);
    if (payment.remote) await provider.release(payment.remote.id);
    const found = await provider.fetchByOrder(payment);
    if (found.kind === "unknown") return payment;
    return this.change(payment, cause, (current) => {
      const seen = found.kind === "found" ? observe(current, found.charge) : current;
      return { ...seen, searched: true };
    });
  }

  private async tell(payment: Payment, call: Call): Promise<Payment> {
    const { orderId, tell } = payment;
    try {
      await call("order.paymentChanged", { orderId });
    } catch (error) {
      this.parts.logger.warn({ err: error, orderId }, "the order could not be told of its payment yet");
      return payment;
    }
    crashPoint("payment.tell.done");
    return this.parts.store.change(payment, (current) =>
      current.tell === tell ? { ...current, tell: undefined } : current,
    );
  }

  private providerOf(payment: Payment): Provider {
    return this.parts.providers.named(payment.provider);
  }
}
