import { createHash, randomBytes } from "node:crypto";
import { crashPoint } from "../../../lib/crash";
import { newId } from "../../../lib/ids";
import type { Collection, OpenableCollection, Store } from "../../../lib/store/collection";
import { after, isPast, now } from "../../../lib/time";
import { readCard, type SandboxCharge, TossError } from "./charge";

const CONFIRM_WITHIN_MS = 10 * 60 * 1000;
const CHARGED: SandboxCharge["status"][] = ["DONE", "PARTIAL_CANCELED", "CANCELED"];

export const openCharges = (store: Store): OpenableCollection<SandboxCharge> =>
  store.collection<SandboxCharge>("sandbox", {
    name: "charges",
    indexes: [{ fields: ["orderId"] }, { fields: ["due"], sparse: true }],
  });

export interface ConfirmBody {
  paymentKey: string;
  orderId: string;
  amount: number;
}

const declined = ({ failure }: SandboxCharge) =>
  new TossError(403, failure?.code ?? "REJECT_CARD_PAYMENT", failure?.message ?? "The card was declined.");
const notThere = () => new TossError(404, "NOT_FOUND_PAYMENT", "There is no such payment.");

/** The sandbox's rules; each change is one conditional write that also makes its webhook due. */
export class SandboxCharges {
  constructor(
    private readonly charges: Collection<SandboxCharge>,
    private readonly leaseMs: number,
  ) {}

  async checkout(orderId: string, amount: number, card: unknown): Promise<string> {
    const paymentKey = `sandbox_${randomBytes(18).toString("base64url")}`;
    await this.charges.insert({
      _id: paymentKey,
      orderId,
      amount,
      balance: amount,
      status: "IN_PROGRESS",
      card: readCard(card),
      cancels: {},
      expiresAt: after(CONFIRM_WITHIN_MS),
      createdAt: now(),
    });
    return paymentKey;
  }

  async get(paymentKey: string): Promise<SandboxCharge> {
    const charge = await this.charges.get(paymentKey);
    if (!charge) throw notThere();
    return charge;
  }

  /** The captured charge where there are several, else the last one. */
  async ofOrder(orderId: string): Promise<SandboxCharge> {
    const all = await this.charges.find({ orderId }, { sort: ["-createdAt"], limit: 100 });
    const charge = all.find(({ status }) => CHARGED.includes(status)) ?? all[0];
    if (!charge) throw notThere();
    return charge;
  }

  /** Captures once; the same `Idempotency-Key` gets the first answer again. `hang`: the answer shall not be sent. */
  async confirm(body: ConfirmBody, key: string | undefined): Promise<{ charge: SandboxCharge; hang: boolean }> {
    const charge = await this.get(body.paymentKey);
    if (charge.orderId !== body.orderId || charge.amount !== body.amount)
      throw new TossError(400, "INVALID_REQUEST", "The order or the amount is not that of the payment.");
    if (charge.status !== "IN_PROGRESS") return { charge: this.again(charge, key), hang: false };
    const open = { _id: charge._id, status: "IN_PROGRESS" };
    if (isPast(charge.expiresAt)) {
      await this.charges.update(open, { $set: { status: "EXPIRED", ...this.webhook() } });
      throw new TossError(404, "NOT_FOUND_PAYMENT_SESSION", "The time to confirm this payment is over.");
    }
    const { behaviour } = charge.card;
    if (behaviour === "fail-once" && !charge.failedOnce) {
      await this.charges.update(open, { $set: { failedOnce: true } });
      throw new TossError(500, "PROVIDER_ERROR", "A temporary error; try again.");
    }
    const change =
      behaviour === "decline"
        ? { status: "ABORTED", failure: { code: "REJECT_CARD_PAYMENT", message: "The card was declined." } }
        : { status: "DONE", approvedAt: now() };
    const decided = await this.charges.update(open, { $set: { ...change, confirmKey: key, ...this.webhook() } });
    if (!decided) return { charge: this.again(await this.get(charge._id), key), hang: false };
    crashPoint("sandbox.confirm.charged");
    if (decided.status === "ABORTED") throw declined(decided);
    return { charge: decided, hang: behaviour === "hang" };
  }

  /** The charge was decided before: its answer for the key that decided it, a refusal for any other. */
  private again(charge: SandboxCharge, key: string | undefined): SandboxCharge {
    if (key === undefined || charge.confirmKey !== key)
      throw new TossError(400, "ALREADY_PROCESSED_PAYMENT", "This payment was processed already.");
    if (charge.status === "ABORTED") throw declined(charge);
    return charge;
  }

  /** Gives back a part or all of what is left, once for each `Idempotency-Key`. */
  async cancel(paymentKey: string, reason: string, amount: number | undefined, key?: string): Promise<SandboxCharge> {
    const id = createHash("sha256")
      .update(key ?? newId())
      .digest("hex");
    for (;;) {
      const charge = await this.get(paymentKey);
      if (charge.cancels[id]) return charge;
      if (charge.status === "CANCELED")
        throw new TossError(400, "ALREADY_CANCELED_PAYMENT", "All of this payment was given back already.");
      if (!CHARGED.includes(charge.status))
        throw new TossError(403, "NOT_CANCELABLE_PAYMENT", "This payment was not captured.");
      const cancelAmount = amount ?? charge.balance;
      const balance = charge.balance - cancelAmount;
      if (balance < 0) throw new TossError(403, "NOT_CANCELABLE_AMOUNT", "That is more than is left.");
      const cancel = { cancelAmount, cancelReason: reason, canceledAt: now(), transactionKey: newId() };
      const status = balance === 0 ? "CANCELED" : "PARTIAL_CANCELED";
      const written = await this.charges.update(
        { _id: paymentKey, balance: charge.balance, status: charge.status },
        { $set: { balance, status, [`cancels.${id}`]: cancel, ...this.webhook() } },
      );
      if (!written) continue;
      crashPoint("sandbox.cancel.returned");
      return written;
    }
  }

  private webhook() {
    return { due: after(this.leaseMs), webhookTries: 0 };
  }
}
