import { errorType } from "../../lib/errors";
import { firstIdAt } from "../../lib/ids";
import type { Collection } from "../../lib/store/collection";
import type { Difference, DifferenceKind, Reconciled } from "./operations.schema";
import { captured, type Payment, refunded, statusOf, stepsOf } from "./payment";
import type { PaymentProcess } from "./payment.process";
import { type Found, unknown } from "./providers/provider";
import type { Providers } from "./providers/providers";

/** Payments that the provider is asked about at once. */
const AT_ONCE = 10;

interface Parts {
  payments: Collection<Payment>;
  providers: Providers;
  process: PaymentProcess;
}

const OWED = ["settle", "return", "refund", "give-back"];

function here(payment: Payment): string {
  const back = refunded(payment);
  const asked = stepsOf(payment).some(({ kind }) => OWED.includes(kind));
  return [statusOf(payment), captured(payment), ...(back > 0 ? [`-${back}`] : []), ...(asked ? ["open"] : [])].join(
    " ",
  );
}

function there(found: Found): string {
  if (found.kind === "unknown") return `no answer (${found.reason})`;
  if (found.kind === "not-found") return "nothing";
  const { state, amount, refunded: back } = found.charge;
  return [state, amount.amount, ...(back > 0 ? [`-${back}`] : [])].join(" ");
}

/** Pure: how what is known here differs from what the provider says; undefined where it does not. */
export function differenceOf(payment: Payment, found: Found): DifferenceKind | undefined {
  const isOpen = stepsOf(payment).some(({ kind }) => OWED.includes(kind));
  if (found.kind === "unknown") return "no-answer";
  if (isOpen) return "outcome-unknown";
  if (found.kind === "not-found" || found.charge.state !== "captured")
    return payment.paymentKey ? "paid-here-only" : undefined;
  const { paymentKey, refunded: back } = found.charge;
  const known = payment.attempts[paymentKey]?.state;
  if (known === "surplus" || known === "returned") return undefined;
  if (known !== "captured") return "paid-there-only";
  if (back === refunded(payment)) return undefined;
  return back > refunded(payment) ? "refunded-there" : "refunded-here";
}

/** Compares payments with what their providers have, and settles what the payment's process would settle by itself. */
export function reconciling({ payments, providers, process }: Parts) {
  async function ask(payment: Payment): Promise<Found> {
    try {
      const provider = providers.named(payment.provider);
      return await (payment.paymentKey ? provider.fetch(payment.paymentKey) : provider.fetchByOrder(payment));
    } catch (error) {
      return unknown(errorType(error) ?? String(error));
    }
  }

  async function settle(payment: Payment, kind: DifferenceKind, found: Found): Promise<boolean> {
    if (kind === "outcome-unknown") await process.goOn(payment);
    else if ((kind === "paid-there-only" || kind === "refunded-there") && found.kind === "found")
      await process.observed(payment.provider, found.charge);
    else return false;
    const current = await payments.get(payment._id);
    return current !== null && differenceOf(current, await ask(current)) === undefined;
  }

  async function check(payment: Payment, fix: boolean): Promise<Difference | undefined> {
    const found = await ask(payment);
    // What was going on when it was read has ended meanwhile, as often as not.
    const current = (await payments.get(payment._id)) ?? payment;
    const kind = differenceOf(current, found);
    if (!kind) return undefined;
    return {
      paymentId: current._id,
      orderId: current.orderId,
      provider: current.provider,
      kind,
      here: here(current),
      there: there(found),
      createdAt: current.createdAt,
      settled: fix && (await settle(current, kind, found)),
    };
  }

  /** A page of those made since a time, oldest first; `after` is the last one of the page before. */
  return async (since: string, page: { after?: string; limit: number; fix: boolean }): Promise<Reconciled> => {
    const from = page.after === undefined ? { $gte: firstIdAt(Date.parse(since)) } : { $gt: page.after };
    const rows = await payments.find({ _id: from }, { sort: ["_id"], limit: page.limit + 1 });
    const shown = rows.slice(0, page.limit);
    const items: Difference[] = [];
    for (let at = 0; at < shown.length; at += AT_ONCE) {
      const some = await Promise.all(shown.slice(at, at + AT_ONCE).map((payment) => check(payment, page.fix)));
      items.push(...some.flatMap((difference) => difference ?? []));
    }
    return { items, checked: shown.length, next: rows.length > page.limit ? (shown.at(-1)?._id ?? null) : null };
  };
}
