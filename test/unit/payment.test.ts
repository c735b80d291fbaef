import { won } from "../../lib/money";
import {
  beginAttempt,
  close,
  decline,
  dropAttempt,
  endRefund,
  holdRefund,
  holdRest,
  markReturned,
  newsOf,
  observe,
  type Payment,
  refundable,
  refunded,
  statusOf,
  stepsOf,
  totalsOf,
} from "../../services/payment/payment";
import type { Charge } from "../../services/payment/providers/provider";

const ready: Payment = {
  _id: "payment-1",
  rev: 0,
  orderId: "order-1",
  customerId: "customer-1",
  provider: "sandbox",
  amount: won(1000),
  attempts: {},
  tries: 0,
  refunds: {},
  createdAt: "2026-01-01T00:00:00.000Z",
};

const charge = (paymentKey: string, state: Charge["state"] = "captured", more: Partial<Charge> = {}): Charge => ({
  paymentKey,
  orderId: "order-1",
  amount: won(1000),
  refunded: 0,
  state,
  ...more,
});

const paid = observe(beginAttempt(ready, "a"), charge("a"));
const kinds = (payment: Payment) => stepsOf(payment).map(({ kind }) => kind);
const refund = (payment: Payment, id: string, amount: number) => holdRefund(payment, id, won(amount), "broken");

describe("a payment's status", () => {
  const asked = beginAttempt(ready, "a");
  const part = endRefund(refund(paid, "r", 400), "r");
  it.each<[string, Payment, string]>([
    ["nothing happened", ready, "ready"],
    ["the provider is asked", asked, "ready"],
    ["the card was declined", decline(asked, "a", "REJECTED"), "failed"],
    ["another card is tried", beginAttempt(decline(asked, "a", "REJECTED"), "b"), "ready"],
    ["it was captured", paid, "paid"],
    ["a refund is on its way", refund(paid, "r", 400), "paid"],
    ["a part went back", part, "partially_refunded"],
    ["all went back", endRefund(refund(part, "s", 600), "s"), "refunded"],
    ["the order is dead", close(ready, "expired"), "cancelled"],
    ["the order died after the payment", close(paid, "cancelled"), "paid"],
  ])("when %s", (_, payment, status) => {
    expect(statusOf(payment)).toBe(status);
  });
});

describe("an attempt", () => {
  it("is refused for a dead order and for one that another key paid", () => {
    expect(() => beginAttempt(close(ready, "expired"), "a")).toThrow(
      expect.objectContaining({ type: "PAYMENT_CLOSED" }),
    );
    expect(() => beginAttempt(paid, "b")).toThrow(expect.objectContaining({ type: "PAYMENT_CLOSED" }));
    expect(beginAttempt(paid, "a")).toBe(paid);
  });

  it("ends after many keys, but not for asking again about one", () => {
    let payment = ready;
    for (let i = 0; i < 100; i++) payment = beginAttempt(payment, "same");
    for (let i = 1; i < 30; i++) payment = decline(beginAttempt(payment, `key-${i}`), `key-${i}`, "REJECTED");
    expect(() => beginAttempt(payment, "one-more")).toThrow(expect.objectContaining({ type: "PAYMENT_DECLINED" }));
    expect(beginAttempt(payment, "same").attempts.same?.state).toBe("asked");
  });

  it("is forgotten where the provider knows no such charge", () => {
    expect(dropAttempt(beginAttempt(ready, "a"), "a").attempts).toEqual({});
    expect(dropAttempt(paid, "a")).toBe(paid);
  });
});

describe("what the provider says", () => {
  it("changes nothing when it is said again, or late", () => {
    expect(observe(paid, charge("a"))).toBe(paid);
    expect(observe(paid, charge("a", "open"))).toBe(paid);
    expect(observe(paid, charge("a", "failed"))).toBe(paid);
  });

  it("counts also when nobody asked, or after a refusal", () => {
    expect(statusOf(observe(ready, charge("unheard")))).toBe("paid");
    expect(statusOf(observe(decline(beginAttempt(ready, "a"), "a", "X"), charge("a")))).toBe("paid");
  });

  it("makes a second charge, or one of another amount, surplus until it is returned", () => {
    const twice = observe(paid, charge("b"));
    expect(kinds(twice)).toEqual(["return"]);
    const returned = markReturned(twice, "b");
    expect(kinds(returned)).toEqual([]);
    expect(observe(returned, charge("b", "captured", { refunded: 1000 }))).toBe(returned);
    expect(totalsOf([returned])).toEqual({ captured: 2000, refunded: 1000 });
    const other = observe(ready, charge("c", "captured", { amount: won(5) }));
    expect([statusOf(other), ...kinds(other)]).toEqual(["ready", "return"]);
  });

  it("takes over money that the provider gave back without us, but not what is on its way", () => {
    expect(refunded(observe(paid, charge("a", "captured", { refunded: 300 })))).toBe(300);
    const held = refund(paid, "r", 300);
    expect(observe(held, charge("a", "captured", { refunded: 300 }))).toBe(held);
  });
});

describe("a refund", () => {
  it("holds its amount at once, so that no two can take the same money", () => {
    const held = refund(paid, "r", 700);
    expect(refundable(held)).toBe(300);
    expect(() => refund(held, "s", 301)).toThrow(expect.objectContaining({ type: "REFUND_EXCEEDS_PAYMENT" }));
    expect(refundable(endRefund(held, "r"))).toBe(300);
    expect(refundable(endRefund(held, "r", "REFUSED"))).toBe(1000);
  });

  it("is one for each id", () => {
    const held = refund(paid, "r", 700);
    expect(refund(held, "r", 700)).toBe(held);
    expect(() => refund(held, "r", 600)).toThrow(expect.objectContaining({ type: "REFUND_ID_REUSED" }));
    const done = endRefund(held, "r");
    expect(endRefund(done, "r")).toBe(done);
    expect(refund(endRefund(held, "r", "REFUSED"), "r", 700).refunds.r).toMatchObject({ state: "asked", tries: 2 });
  });

  it.each([
    ["nothing", won(0)],
    ["another currency", { amount: 10, currency: "EUR" }],
  ])("is not for %s", (_, amount) => {
    expect(() => holdRefund(paid, "r", amount, "broken")).toThrow(
      expect.objectContaining({ type: "REFUND_EXCEEDS_PAYMENT" }),
    );
  });
});

describe("a dead order's payment", () => {
  it("gives back all that is left, and again what a refused refund freed", () => {
    const dead = close(refund(paid, "r", 400), "cancelled");
    expect(kinds(dead)).toEqual(["refund", "give-back", "search"]);
    const rest = holdRest(dead);
    expect(refundable(rest)).toBe(0);
    const freed = holdRest(endRefund(endRefund(rest, "closing-1"), "r", "REFUSED"));
    expect(freed.refunds["closing-2"]).toMatchObject({ amount: 400, state: "asked" });
  });

  it("stops asking a provider that goes on refusing", () => {
    let dead: Payment = { ...close(paid, "cancelled"), searched: true };
    for (let i = 1; i <= 5; i++) dead = endRefund(holdRest(dead), `closing-${i}`, "REFUSED");
    expect(kinds(dead)).toEqual([]);
  });

  it("keeps its first reason", () => {
    const dead = close(ready, "expired");
    expect(close(dead, "cancelled")).toBe(dead);
  });
});

it("is news when the status, the money given back or a refusal is new", () => {
  const held = refund(paid, "r", 400);
  expect(newsOf(held)).toBe(newsOf(paid));
  expect(newsOf(endRefund(held, "r"))).not.toBe(newsOf(held));
  expect(newsOf(endRefund(held, "r", "REFUSED"))).not.toBe(newsOf(held));
});
