import { isDeepStrictEqual } from "node:util";
import { notFound } from "../../lib/errors";
import { currentTrace } from "../../lib/request-scope";
import {
  type Change,
  type Collection,
  DuplicateKey,
  type OpenableCollection,
  type Store,
} from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import type { Due } from "../../mixins/sweeper.mixin";
import { isUnreturned, type Payment, statusOf, stepsOf } from "./payment";
import type { PaymentStatus } from "./payment.contract";

const MAX_DELAY_MS = 30_000;
/** Failures in a row, of half a minute in all, after which it is worth a look; counted up to so many. */
const TROUBLED = 5;
const COUNTED = 1000;
/** Anybody may send webhooks about nothing: what was asked about in vain gets rare soon, some thirty times in 12 hours. */
const MAX_WEBHOOK_DELAY_MS = 30 * 60_000;

/** A webhook that was received: what it is about, never what it says. */
export interface Received extends Due {
  provider: string;
  paymentKey?: string;
  receivedAt: string;
  /** Tries in vain. */
  stuck?: number;
  handledAt?: string;
}

export const openPayments = (store: Store): OpenableCollection<Payment> =>
  store.collection<Payment>("payment", {
    name: "payments",
    indexes: [
      { fields: ["orderId"], unique: true },
      { fields: ["due"], sparse: true },
      { fields: ["stuck"], sparse: true },
      { fields: ["unreturned"], sparse: true },
    ],
  });

export const openReceived = (store: Store): OpenableCollection<Received> =>
  store.collection<Received>("payment", {
    name: "webhooks",
    indexes: [
      { fields: ["due"], sparse: true },
      { fields: ["handledAt"], sparse: true },
      { fields: ["paymentKey"], sparse: true },
    ],
  });

/** The fields of `next` that differ, as one change. */
function difference(from: Payment, to: Payment): Change {
  const before: Partial<Record<string, unknown>> = { ...from };
  const afterwards: Partial<Record<string, unknown>> = { ...to };
  const fields = Object.keys({ ...before, ...afterwards }).filter(
    (field) => !isDeepStrictEqual(before[field], afterwards[field]),
  );
  const set = fields.filter((field) => afterwards[field] !== undefined);
  const gone = fields.filter((field) => afterwards[field] === undefined);
  return {
    $set: Object.fromEntries(set.map((field) => [field, afterwards[field]])),
    $unset: Object.fromEntries(gone.map((field) => [field, true as const])),
  };
}

export class PaymentStore {
  constructor(
    readonly payments: Collection<Payment>,
    private readonly leaseMs: number,
    /** Told once of each status that a payment gets. */
    private readonly became: (provider: string, status: PaymentStatus) => void = () => undefined,
  ) {}

  /** The order's payment: this one, or the one that is there already. */
  async insert(payment: Payment): Promise<Payment> {
    try {
      return await this.payments.insert(payment);
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
      return this.ofOrder(payment.orderId);
    }
  }

  /** Throws 404 PAYMENT_NOT_FOUND. */
  async ofOrder(orderId: string): Promise<Payment> {
    return existing(await this.payments.findOne({ orderId }));
  }

  /**
   * Writes what `decide` makes of the payment, in one write that is conditional on the revision it was decided on; where
   * another change came first it decides again on that. While anything is left to do, `due` is this process's lease.
   */
  async change(payment: Payment, decide: (current: Payment) => Payment): Promise<Payment> {
    let current = payment;
    for (;;) {
      const next = decide(current);
      if (next === current) return current;
      const due = stepsOf(next).length > 0 ? after(this.leaseMs) : undefined;
      const stuck = due ? next.stuck : undefined;
      const unreturned = isUnreturned(next) || undefined;
      const change = difference(current, { ...next, rev: current.rev + 1, due, stuck, unreturned });
      const written = await this.payments.update({ _id: current._id, rev: current.rev }, change);
      if (written) {
        if (statusOf(written) !== statusOf(current)) this.became(written.provider, statusOf(written));
        return written;
      }
      current = existing(await this.payments.get(current._id));
    }
  }

  /** How many need somebody to look at them: by what is tried again and again in vain, and by what is not tried any more. */
  async troubled(): Promise<{ retrying: number; unreturned: number }> {
    const shown = { limit: COUNTED, fields: ["_id"] };
    const [retrying, unreturned] = await Promise.all([
      this.payments.find({ stuck: { $gte: TROUBLED } }, { ...shown, sort: ["stuck"] }),
      this.payments.find({ unreturned: true }, shown),
    ]);
    return { retrying: retrying.length, unreturned: unreturned.length };
  }

  /**
   * What is left is tried again after a while, which grows; of a payment that changed meanwhile the changer takes care.
   * Two that failed at the same time count as one failure.
   */
  async postpone(payment: Payment): Promise<Payment> {
    const stuck = (payment.stuck ?? 0) + 1;
    const due = after(Math.min(500 * 2 ** stuck, MAX_DELAY_MS));
    const asRead = { _id: payment._id, rev: payment.rev, stuck: payment.stuck ?? null };
    const written = await this.payments.update(asRead, { $set: { due, stuck } });
    return written ?? payment;
  }

  /** Nothing is left to do. */
  async rest(payment: Payment): Promise<void> {
    const { _id, rev, due } = payment;
    if (due) await this.payments.update({ _id, rev }, { $unset: { due: true, stuck: true } });
  }
}

export class ReceivedStore {
  constructor(
    private readonly received: Collection<Received>,
    private readonly leaseMs: number,
  ) {}

  /** Null when this delivery is a repeated one. */
  async insert(id: string, provider: string, paymentKey?: string): Promise<Received | null> {
    try {
      const due = after(this.leaseMs);
      return await this.received.insert({ _id: id, provider, paymentKey, receivedAt: now(), due, ...currentTrace() });
    } catch (error) {
      if (error instanceof DuplicateKey) return null;
      throw error;
    }
  }

  /** It is looked at again after a while, three times as long as the last one; unless another node has taken it. */
  async postpone({ _id, due, stuck = 0 }: Received): Promise<void> {
    const next = after(Math.min(1000 * 3 ** stuck, MAX_WEBHOOK_DELAY_MS));
    if (due) await this.received.update({ _id, due }, { $set: { due: next, stuck: stuck + 1 } });
  }

  async handled({ _id }: Received): Promise<void> {
    await this.received.update({ _id }, { $set: { handledAt: now() }, $unset: { due: true } });
  }

  /** Those of a provider about charges, oldest first. */
  about(provider: string, paymentKeys: string[]): Promise<Received[]> {
    return this.received.find({ paymentKey: { $in: paymentKeys }, provider }, { sort: ["receivedAt"], limit: 100 });
  }

  async forget(olderThanMs: number): Promise<void> {
    await this.received.remove({ handledAt: { $lt: after(-olderThanMs) } });
  }
}

function existing(payment: Payment | null): Payment {
  if (!payment) throw notFound("PAYMENT_NOT_FOUND", "There is no such payment.");
  return payment;
}
