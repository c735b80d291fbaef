import { fromStripeAmount, toStripeAmount } from "../../services/payment/providers/stripe";
import { readCard } from "../../services/payment/sandbox/charge";

it.each([
  ["KRW", 12_900, 12_900],
  ["JPY", 500, 500],
  ["USD", 1999, 1999],
  ["UGX", 5000, 500_000],
  ["ISK", 700, 70_000],
])("counts %s as Stripe does", (currency, ours, theirs) => {
  expect(toStripeAmount({ amount: ours, currency })).toBe(theirs);
  expect(fromStripeAmount(theirs, currency.toLowerCase())).toEqual({ amount: ours, currency });
});

describe("a card of the sandbox", () => {
  it.each([
    ["4242424242424242", "approve"],
    ["4000 0000 0000 0002", "decline"],
    ["4000-0000-0000-0119", "hang"],
    ["4000000000009995", "fail-once"],
    ["5555555555554444", "approve"],
  ])("%s does: %s", (number, behaviour) => {
    const card = readCard(number);
    expect(card).toEqual({ last4: number.slice(-4), behaviour });
  });

  it.each(["4242424242424241", "4242", "", "not a card", 4242424242424242, null])("%p is none", (number) => {
    expect(() => readCard(number)).toThrow(expect.objectContaining({ code: "INVALID_CARD_NUMBER" }));
  });
});
