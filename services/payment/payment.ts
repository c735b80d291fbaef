import { conflict, ShopError, unprocessable } from "../../lib/errors";
import type { Money } from "../../lib/money";
import { now } from "../../lib/time";
import type { Due } from "../../mixins/sweeper.mixin";
import type { PaymentStatus } from "./payment.contract";
import type { Charge, Remote } from "./providers/provider";

export interface Attempt {
  /**
   * `asked`: the provider was or is about to be asked, outcome open. `captured`: this charge pays the order. `surplus`:
   * captured although the order needs no charge, to be given back. `returned`: given back.
   */
  state: "asked" | "captured" | "declined" | "surplus" | "returned";
  at: string;
  code?: string;
  /** Minor units, where the charge is surplus. */
  amount?: number;
}

export interface Refund {
  amount: number;
  reason: string;
  state: "asked" | "done" | "refused";
  at: string;
  /** How often it was begun: a refused one that is asked for again is another refund to the provider. */
  tries: number;
  code?: string;
}

/** All about the money of one order, in one document. What follows from its facts (status, sums) is not stored. */
export interface Payment extends Due {
  /** Counts changes: a change is written only onto the state that it was decided on. */
  rev: number;
  orderId: string;
  customerId: string;
  provider: string;
  amount: Money;
  remote?: Remote;
  attempts: Record<string, Attempt>;
  /** How many keys were tried. */
  tries: number;
  /** The key of the charge that paid. */
  paymentKey?: string;
  refunds: Record<string, Refund>;
  /** The order is dead: no charge is kept. */
  closed?: { reason: string; at: string };
  /** The provider was asked for charges of the dead order that nobody told us of. */
  searched?: boolean;
  /** A change that the order does not know of yet. */
  tell?: string;
  /** How often what is left could not be done; sets the next try's delay. */
  stuck?: number;
  /** The order is dead, money is left, and the provider refused to give it back too often: somebody has to look at it. */
  unreturned?: true;
  createdAt: string;
}

/** Customers who try cards at random find an end here. */
const MAX_TRIES = 30;
/** A provider that refuses to give money back this often needs a human. */
const MAX_REFUSALS = 5;

export const captured = (payment: Payment): number => (payment.paymentKey ? payment.amount.amount : 0);

const sumOf = (payment: Payment, ...states: Refund["state"][]) =>
  Object.values(payment.refunds).reduce((sum, { amount, state }) => sum + (states.includes(state) ? amount : 0), 0);

export const refunded = (payment: Payment): number => sumOf(payment, "done");

/** What can still be given back, without what is on its way. */
export const refundable = (payment: Payment): number => captured(payment) - sumOf(payment, "done", "asked");

export function statusOf(payment: Payment): PaymentStatus {
  if (payment.paymentKey) {
    const back = refunded(payment);
    if (back === 0) return "paid";
    return back < captured(payment) ? "partially_refunded" : "refunded";
  }
  if (payment.closed) return "cancelled";
  const states = Object.values(payment.attempts).map(({ state }) => state);
  return states.includes("declined") && !states.includes("asked") ? "failed" : "ready";
}

/** What an order wants to know of its payment, to be compared with what it was. */
export function newsOf(payment: Payment): string {
  const refused = Object.values(payment.refunds).filter(({ state }) => state === "refused").length;
  return `${statusOf(payment)} ${refunded(payment)} ${refused}`;
}

const withAttempt = (payment: Payment, key: string, attempt: Attempt): Payment => ({
  ...payment,
  attempts: { ...payment.attempts, [key]: attempt },
});

/** The key whose outcome is open, if any. */
export const askedKey = (payment: Payment): string | undefined =>
  Object.entries(payment.attempts).find(([, { state }]) => state === "asked")?.[0];

/** Throws 409 PAYMENT_CLOSED, 402 PAYMENT_DECLINED after too many tries. */
export function beginAttempt(payment: Payment, key: string): Payment {
  if (payment.closed) throw conflict("PAYMENT_CLOSED", "The order takes no payment any more.");
  if (payment.paymentKey === key) return payment;
  const state = payment.attempts[key]?.state;
  if (payment.paymentKey || state === "surplus" || state === "returned")
    throw conflict("PAYMENT_CLOSED", "The order was paid otherwise.");
  if (!state && payment.tries >= MAX_TRIES)
    throw new ShopError(402, "PAYMENT_DECLINED", "There were too many tries to pay.");
  const asked = withAttempt(payment, key, { state: "asked", at: now() });
  return { ...asked, tries: payment.tries + (state ? 0 : 1), stuck: undefined };
}

/** The provider knows no charge that this key could be for this order. */
export function dropAttempt(payment: Payment, key: string): Payment {
  if (payment.attempts[key]?.state !== "asked") return payment;
  const { [key]: _, ...attempts } = payment.attempts;
  return { ...payment, attempts };
}

export const decline = (payment: Payment, key: string, code: string): Payment =>
  payment.attempts[key]?.state === "asked"
    ? withAttempt(payment, key, { state: "declined", at: now(), code })
    : payment;

/** Takes over what the provider says of a charge, whoever asked for it and however often it is said. */
export function observe(payment: Payment, charge: Charge): Payment {
  const { paymentKey, amount, state } = charge;
  if (state === "failed") return decline(payment, paymentKey, charge.code ?? "FAILED");
  if (state === "open") return payment;
  const known = payment.attempts[paymentKey]?.state;
  if (known === "captured") return adoptRefunds(payment, charge);
  if (known === "surplus" || known === "returned") return payment;
  const pays = !payment.paymentKey && amount.amount === payment.amount.amount;
  if (!pays) {
    const left = amount.amount - charge.refunded;
    return withAttempt(payment, paymentKey, { state: left > 0 ? "surplus" : "returned", at: now(), amount: left });
  }
  return adoptRefunds({ ...withAttempt(payment, paymentKey, { state: "captured", at: now() }), paymentKey }, charge);
}

/** Money that was given back at the provider without us (its dashboard) counts as given back. */
function adoptRefunds(payment: Payment, charge: Charge): Payment {
  const more = charge.refunded - refunded(payment);
  if (more <= 0 || charge.paymentKey !== payment.paymentKey || sumOf(payment, "asked") > 0) return payment;
  const id = `provider-${Object.keys(payment.refunds).length + 1}`;
  const refund: Refund = { amount: more, reason: "given back at the provider", state: "done", at: now(), tries: 0 };
  return withRefund(payment, id, refund);
}

export const markReturned = (payment: Payment, key: string): Payment => {
  const attempt = payment.attempts[key];
  return attempt?.state === "surplus" ? withAttempt(payment, key, { ...attempt, state: "returned" }) : payment;
};

/** Takes the amount out of what can be given back, once for each id. Throws 409 REFUND_EXCEEDS_PAYMENT, 422 REFUND_ID_REUSED. */
export function holdRefund(payment: Payment, id: string, amount: Money, reason: string): Payment {
  const held = payment.refunds[id];
  if (held && held.state !== "refused" && held.amount !== amount.amount)
    throw unprocessable("REFUND_ID_REUSED", "This refund was asked for with another amount.");
  if (held && held.state !== "refused") return payment;
  if (amount.currency !== payment.amount.currency || amount.amount < 1 || amount.amount > refundable(payment))
    throw conflict("REFUND_EXCEEDS_PAYMENT", "That is more than is left of the payment.");
  const tries = (held?.tries ?? 0) + 1;
  return withRefund(payment, id, { amount: amount.amount, reason, state: "asked", at: now(), tries });
}

/** How often giving back what is left of a dead order's payment was begun. */
const closingTries = (payment: Payment) =>
  Object.entries(payment.refunds).reduce((sum, [id, { tries }]) => sum + (id.startsWith("closing-") ? tries : 0), 0);

/** Takes all that is left of a dead order's payment, under an id that no refund of the order has. */
export function holdRest(payment: Payment): Payment {
  const left = refundable(payment);
  if (!payment.closed || left === 0) return payment;
  const id = `closing-${closingTries(payment) + 1}`;
  return holdRefund(payment, id, { ...payment.amount, amount: left }, payment.closed.reason);
}

const withRefund = (payment: Payment, id: string, refund: Refund): Payment => ({
  ...payment,
  refunds: { ...payment.refunds, [id]: refund },
});

export function endRefund(payment: Payment, id: string, refusedWith?: string): Payment {
  const refund = payment.refunds[id];
  if (refund?.state !== "asked") return payment;
  const state = refusedWith === undefined ? "done" : "refused";
  return withRefund(payment, id, { ...refund, state, at: now(), ...(refusedWith && { code: refusedWith }) });
}

/** Money over all payments, in minor units; a charge that no order needed counts as well. */
export function totalsOf(payments: Payment[]): { captured: number; refunded: number } {
  const totals = { captured: 0, refunded: 0 };
  for (const payment of payments) {
    totals.captured += captured(payment);
    totals.refunded += refunded(payment);
    for (const { state, amount = 0 } of Object.values(payment.attempts)) {
      if (state === "surplus" || state === "returned") totals.captured += amount;
      if (state === "returned") totals.refunded += amount;
    }
  }
  return totals;
}

export const close = (payment: Payment, reason: string): Payment =>
  payment.closed ? payment : { ...payment, closed: { reason, at: now() } };

export type Step =
  | { kind: "settle"; key: string }
  | { kind: "return"; key: string }
  | { kind: "refund"; id: string }
  | { kind: "give-back" }
  | { kind: "search" }
  | { kind: "tell" };

/** What is left of a dead order's payment will not go back by itself. */
export const isUnreturned = (payment: Payment): boolean =>
  payment.closed !== undefined && refundable(payment) > 0 && closingTries(payment) >= MAX_REFUSALS;

/** What is left to do, in order; nothing when the payment rests. */
export function stepsOf(payment: Payment): Step[] {
  const attempts = Object.entries(payment.attempts);
  const steps: Step[] = [
    ...attempts.flatMap(([key, { state }]): Step[] => (state === "asked" ? [{ kind: "settle", key }] : [])),
    ...attempts.flatMap(([key, { state }]): Step[] => (state === "surplus" ? [{ kind: "return", key }] : [])),
  ];
  for (const [id, { state }] of Object.entries(payment.refunds))
    if (state === "asked") steps.push({ kind: "refund", id });
  if (payment.closed && refundable(payment) > 0 && closingTries(payment) < MAX_REFUSALS)
    steps.push({ kind: "give-back" });
  if (payment.closed && !payment.searched) steps.push({ kind: "search" });
  if (payment.tell) steps.push({ kind: "tell" });
  return steps;
}
