import { won } from "../../lib/money";
import {
  hasOperation,
  isPaidBy,
  newOrder,
  type Order,
  orderNumber,
  priced,
  statesTotal,
  totalsOf,
} from "../../services/order/order";
import { merged } from "../../services/order/placing";
import { pendingRefunds, refundGiven, refundPromised } from "../../services/order/refund";
import {
  cancelled,
  delivered,
  markPaid,
  openForPayment,
  paymentSeen,
  payTried,
  shipped,
  type Transition,
  tryRefused,
  undone,
  workDone,
} from "../../services/order/transitions";
import { orderView } from "../../services/order/view";
import type { PaymentSummary } from "../../services/payment/payment.contract";

const quote = { sku: "A", productId: "p", name: "Tea", unitPrice: won(1500), available: 9 };
const address = { recipient: "r", phone: "010", postalCode: "1", line1: "l", country: "KR" };
const placed = (more: Partial<Order> = {}): Order => ({
  ...newOrder({
    id: "o1",
    customerId: "c1",
    items: [priced(quote, 2)],
    shippingFee: 3000,
    shippingAddress: address,
    paymentWindow: 900,
    leaseMs: 1000,
  }),
  ...more,
});
const payment = (more: Partial<PaymentSummary> = {}): PaymentSummary => ({
  id: "pay1",
  rev: 1,
  orderId: "o1",
  provider: "sandbox",
  status: "paid",
  amount: won(6000),
  refunded: won(0),
  open: false,
  client: {},
  paymentKey: "k1",
  ...more,
});

describe("prices", () => {
  it("are the quote's, times the quantity, with one shipping fee for each order", () => {
    const items = [priced(quote, 2), priced({ ...quote, sku: "B", unitPrice: won(100) }, 3)];
    expect(items[0]?.lineTotal).toEqual(won(3000));
    expect(totalsOf(items, 3000)).toEqual({ items: won(3300), shipping: won(3000), total: won(6300) });
    expect(totalsOf([], 3000).total).toEqual(won(0));
  });

  it("make one line of a SKU that was named twice", () => {
    const line = (sku: string, quantity: number) => ({ sku, quantity });
    expect(merged([line("A", 1), line("B", 2), line("A", 3)])).toEqual([line("A", 4), line("B", 2)]);
  });

  it("are stated by the customer as an integer or as money of the right currency", () => {
    const order = placed();
    expect([6000, won(6000), 5999, { amount: 6000, currency: "USD" }].map((s) => statesTotal(order, s))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

it("gives an order the same number every time, by day", () => {
  const at = "2026-11-24T10:00:00.000Z";
  expect(orderNumber("o1", at)).toBe(orderNumber("o1", at));
  expect(orderNumber("o1", at)).toMatch(/^261124-[0-9A-HJKMNP-TV-Z]{8}$/);
  expect(orderNumber("o2", at)).not.toBe(orderNumber("o1", at));
});

describe("transitions", () => {
  it("start only from the states that lead there", () => {
    const order = placed();
    expect(openForPayment(order, payment()).from).toEqual({ _id: "o1", status: "placing" });
    expect(markPaid(order, payment(), "c1", 1000).from).toEqual({ _id: "o1", status: "awaiting_payment" });
    expect(cancelled(order, { by: "c1" }, 1000).from).toEqual({
      _id: "o1",
      status: { $in: ["awaiting_payment", "paid"] },
    });
  });

  it("keep the end of the payment window only while it waits", () => {
    const order = placed();
    expect(openForPayment(order, payment()).change.$unset).not.toHaveProperty("expiresAt");
    expect(markPaid(order, payment(), "c1", 1000).change.$unset).toHaveProperty("expiresAt");
  });

  it("leave work to do, due when the node that should do it is taken for dead", () => {
    const { $set } = markPaid(placed(), payment(), "c1", 1000).change;
    expect($set).toMatchObject({ status: "paid", work: "commit", refundable: 6000 });
    expect(Date.parse(String($set?.due))).toBeGreaterThan(Date.now());
  });

  it("take the address of an erased customer away when the order is finished", () => {
    const { $set } = cancelled(placed({ anonymous: true }), { by: "c1" }, 1000).change;
    expect($set).toMatchObject({ status: "cancelled", shippingAddress: null });
    expect(cancelled(placed(), { by: "c1" }, 1000).change.$set).not.toHaveProperty("shippingAddress");
  });
});

describe("a change that others need to know of", () => {
  const order = placed({ status: "paid", payment: payment(), refundable: 6000 });
  const told = ({ change }: Transition) => {
    const [entry] =
      (change.$push?.outbox as { $each: { id: string; type: string; data: object }[] } | undefined)?.$each ?? [];
    expect(change.$set?.outboxLast).toBe(entry?.id);
    return entry && [entry.type, entry.data];
  };

  it("has its event in the same write, with the status that the order has then", () => {
    const data = {
      orderId: "o1",
      number: order.number,
      customerId: "c1",
      items: [{ sku: "A", quantity: 2 }],
      totals: order.totals,
    };
    expect(told(openForPayment(order, payment()))).toEqual(["order.placed", { ...data, status: "awaiting_payment" }]);
    expect(told(markPaid(order, payment(), "c1", 1000))).toEqual(["order.paid", { ...data, status: "paid" }]);
    const shipment = { carrier: "c", trackingNumber: "1" };
    expect(told(shipped(order, { by: "a" }, shipment))).toEqual(["order.shipped", { ...data, status: "shipped" }]);
    expect(told(delivered(order, { by: "a" }))).toEqual(["order.delivered", { ...data, status: "delivered" }]);
  });

  it("is told when its end is known, where what it held goes back first", () => {
    expect(told(cancelled(order, { by: "c1" }, 1000))).toBeUndefined();
    const history = [{ status: "cancelled" as const, at: "t", by: "c1", reason: "no" }];
    const dead = placed({ status: "cancelled", work: "undo", history });
    const amountOf = (transition: Transition) => (told(transition) as [string, { amount?: object }])[1].amount;
    expect(amountOf(undone({ ...dead, payment: payment(), refundable: 5000 }, payment()))).toEqual(won(5000));
    expect(amountOf(undone({ ...dead, payment: payment(), refundable: 0 }, payment()))).toBeUndefined();
    expect(amountOf(undone(dead, payment({ paymentKey: undefined })))).toBeUndefined();
    // Captured while it died, which the order never knew of.
    expect(amountOf(undone(dead, payment()))).toEqual(won(6000));
  });

  it("is none where nothing happened to the order itself", () => {
    for (const quiet of [payTried(order, 1000), tryRefused(order), paymentSeen(order, payment()), workDone(order)])
      expect(told(quiet)).toBeUndefined();
  });
});

it("takes over no older view of its payment", () => {
  const order = placed({ status: "paid", payment: payment({ rev: 5 }) });
  expect(paymentSeen(order, payment({ rev: 4 })).from).toEqual({ _id: "o1", "payment.rev": { $lt: 4 } });
});

it("ends a try that was refused only while no other one runs", () => {
  const tried = placed({ status: "awaiting_payment", work: "settle", due: "2026-11-24T10:00:00.000Z" });
  expect(tryRefused(tried).from).toMatchObject({ work: "settle", due: tried.due });
});

describe("refunds", () => {
  const refund = { amount: 1000, reason: "r", by: "a1", at: "2026-11-24T10:00:00.000Z", status: "pending" as const };
  const paid = placed({ status: "paid", work: "refund", refundable: 5000, refundsPending: 1, refunds: { r1: refund } });

  it("promise no more than is left, once for each id", () => {
    const { from, change } = refundPromised(paid, "r2", refund, 1000);
    expect(from).toMatchObject({ refundable: { $gte: 1000 }, "refunds.r2": { $exists: false } });
    expect(change.$inc).toEqual({ refundable: -1000, refundsPending: 1 });
  });

  it("leave the status as it is until all is given back, and never the work of another", () => {
    const part = refundGiven(paid, "r1", payment({ status: "partially_refunded" }), 1000).change;
    expect(part.$set).toMatchObject({ "refunds.r1.status": "done" });
    expect(part.$set).not.toHaveProperty("status");
    expect(part.$unset).toEqual({});
    const all = refundGiven(paid, "r1", payment({ status: "refunded" }), 1000).change;
    expect(all.$set).toMatchObject({ status: "refunded", work: "restock" });
    const shipped = { ...paid, status: "shipped" as const };
    expect(refundGiven(shipped, "r1", payment({ status: "refunded" }), 1000).change.$set).not.toHaveProperty("work");
  });

  it("wake no dead order", () => {
    const dead = { ...paid, status: "cancelled" as const };
    const { from, change } = refundGiven(dead, "r1", payment({ status: "refunded" }), 1000);
    expect(from).toMatchObject({ status: "cancelled" });
    expect(change.$set).not.toHaveProperty("status");
  });

  it("are next when other work is done and some were promised meanwhile", () => {
    expect(workDone(paid).change.$set).toMatchObject({ work: "refund" });
    expect(workDone({ ...paid, refundsPending: 0 }).change.$unset).toEqual({ work: true, due: true, failed: true });
    expect(workDone(paid).from).toEqual({ _id: "o1", work: "refund", refundsPending: 1 });
  });

  it("are pending until they are decided", () => {
    const refunds = { r1: refund, r2: refund, r3: { ...refund, status: "done" as const } };
    expect(pendingRefunds({ ...paid, refunds })).toEqual(["r1", "r2"]);
  });
});

describe("the order as its customer sees it", () => {
  it("is none while it is being placed", () => {
    expect(orderView(placed(), "c1")).toBeUndefined();
  });

  it("shows no inner working", () => {
    const history = [{ status: "paid" as const, at: "t", by: "c1", operation: "op" }];
    const view = orderView(placed({ status: "paid", payment: payment({ client: { secret: "x" } }), history }), "c1");
    expect(view).toMatchObject({ id: "o1", history: [{ status: "paid", at: "t", by: "c1" }] });
    const text = JSON.stringify(view);
    for (const inner of ["operation", "work", "due", "refundable", "paymentKey", "_id"])
      expect(text).not.toContain(`"${inner}"`);
  });

  it("tells nobody else how to pay", () => {
    const order = placed({ status: "awaiting_payment", payment: payment({ client: { clientSecret: "x" } }) });
    expect(orderView(order, "c1")?.payment.client).toEqual({ clientSecret: "x" });
    expect(orderView(order, "admin")?.payment.client).toEqual({});
  });

  it("recognises the key that paid it and the operation that changed it", () => {
    const order = placed({
      status: "shipped",
      payment: payment(),
      history: [{ status: "paid", at: "t", by: "c", operation: "op1" }],
    });
    expect([isPaidBy(order, "k1"), isPaidBy(order, "k2")]).toEqual([true, false]);
    expect([hasOperation(order, "op1"), hasOperation(order, "op2")]).toEqual([true, false]);
  });
});
