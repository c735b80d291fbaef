import { won } from "../../lib/money";
import type { Payment } from "../../services/payment/payment";
import type { Charge, Found } from "../../services/payment/providers/provider";
import { differenceOf } from "../../services/payment/reconciling";

const at = "2026-01-01T00:00:00.000Z";
const fresh: Payment = {
  ...{ _id: "payment", rev: 1, orderId: "order", customerId: "kim", provider: "sandbox", amount: won(1000) },
  ...{ attempts: {}, tries: 0, refunds: {}, createdAt: at },
};
const paid: Payment = { ...fresh, paymentKey: "key", attempts: { key: { state: "captured", at } } };
const givenBack = (amount: number): Payment => ({
  ...paid,
  refunds: { one: { amount, reason: "broken", state: "done", at, tries: 1 } },
});
const charge = (more: Partial<Charge> = {}): Found => ({
  kind: "found",
  charge: { paymentKey: "key", orderId: "order", amount: won(1000), refunded: 0, state: "captured", ...more },
});
const nothing: Found = { kind: "not-found" };

it.each<[string, Payment, Found, string | undefined]>([
  ["nothing here and there", fresh, nothing, undefined],
  ["a charge that is not captured", fresh, charge({ state: "open" }), undefined],
  ["the same money here and there", paid, charge(), undefined],
  ["the same refund here and there", givenBack(300), charge({ refunded: 300 }), undefined],
  ["a surplus charge that went back", { ...fresh, attempts: { key: { state: "returned", at } } }, charge(), undefined],
  ["a provider that says nothing", paid, { kind: "unknown", reason: "away" }, "no-answer"],
  [
    "a charge whose end is not known",
    { ...fresh, attempts: { key: { state: "asked", at } } },
    charge(),
    "outcome-unknown",
  ],
  ["a charge that nobody told us of", fresh, charge(), "paid-there-only"],
  ["money that the provider does not have", paid, nothing, "paid-here-only"],
  ["money that the provider says failed", paid, charge({ state: "failed" }), "paid-here-only"],
  ["a refund at the provider's dashboard", paid, charge({ refunded: 300 }), "refunded-there"],
  ["a refund that never arrived", givenBack(300), charge(), "refunded-here"],
])("%s: %#", (_, payment, found, kind) => {
  expect(differenceOf(payment, found)).toBe(kind);
});
