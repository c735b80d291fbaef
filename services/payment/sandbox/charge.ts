import type { Due } from "../../../mixins/sweeper.mixin";

/** What the card does at confirmation; kept instead of its number. */
export type Behaviour = "approve" | "decline" | "hang" | "fail-once";

export interface Cancel {
  cancelAmount: number;
  cancelReason: string;
  canceledAt: string;
  transactionKey: string;
}

export interface SandboxCharge extends Due {
  orderId: string;
  amount: number;
  /** What is left of the captured amount. */
  balance: number;
  status: "IN_PROGRESS" | "DONE" | "CANCELED" | "PARTIAL_CANCELED" | "ABORTED" | "EXPIRED";
  card: { last4: string; behaviour: Behaviour };
  failedOnce?: boolean;
  failure?: { code: string; message: string };
  /** The `Idempotency-Key` of the confirmation that decided. */
  confirmKey?: string;
  approvedAt?: string;
  /** By the hash of their `Idempotency-Key`. */
  cancels: Record<string, Cancel>;
  /** How often the webhook of the last change was sent in vain. */
  webhookTries?: number;
  expiresAt: string;
  createdAt: string;
}

/** An error as Toss answers it. */
export class TossError extends Error {
  override readonly name = "TossError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const BEHAVIOURS: Partial<Record<string, Behaviour>> = {
  "4000000000000002": "decline",
  "4000000000000119": "hang",
  "4000000000009995": "fail-once",
};

function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, character, index) => {
    const digit = Number(character) * (index % 2 === 1 ? 2 : 1);
    return total + (digit > 9 ? digit - 9 : digit);
  }, 0);
  return sum % 10 === 0;
}

/** What is kept of a card: never its number. Throws 400 INVALID_CARD_NUMBER. */
export function readCard(number: unknown): SandboxCharge["card"] {
  const digits = typeof number === "string" ? number.replace(/[ -]/g, "") : "";
  if (!/^\d{12,19}$/.test(digits) || !passesLuhn(digits))
    throw new TossError(400, "INVALID_CARD_NUMBER", "This is not a card number.");
  return { last4: digits.slice(-4), behaviour: BEHAVIOURS[digits] ?? "approve" };
}

/** A payment as Toss shows it; a charge that was not confirmed in time is expired. */
export function toPayment(charge: SandboxCharge, at: string) {
  const expired = charge.status === "IN_PROGRESS" && charge.expiresAt <= at;
  const cancels = Object.values(charge.cancels);
  return {
    version: "2022-11-16",
    paymentKey: charge._id,
    orderId: charge.orderId,
    status: expired ? "EXPIRED" : charge.status,
    currency: "KRW",
    method: "카드",
    totalAmount: charge.amount,
    balanceAmount: charge.balance,
    requestedAt: charge.createdAt,
    approvedAt: charge.approvedAt ?? null,
    card: { number: `************${charge.card.last4}`, amount: charge.amount },
    cancels: cancels.length > 0 ? cancels : null,
    failure: charge.failure ?? null,
  };
}
