import { eventually, type TestNode } from "./node";
import type { Lab } from "./payment.labs";
import { close, confirm, hook, look, PRICE, prepare, refund } from "./payment.parts";
import { CHARGE, type MakeEnvironment, type MakeLab, openPaymentShop, type PaymentShop } from "./payment.shop";
import { settlingSuite } from "./payment.suite.settling";

const codesOf = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === "fulfilled" ? "ok" : String(result.reason.type))).sort();

/** What every provider's adapter has to do, against a server that speaks its protocol. */
export function paymentSuite(makeLab: MakeLab, environment: MakeEnvironment = () => ({})): void {
  let shop: PaymentShop;
  let lab: Lab;
  let node: TestNode;
  beforeAll(async () => {
    shop = await openPaymentShop(makeLab, environment());
    ({ lab, node } = shop);
  });
  afterEach(() => lab.gate.open());
  afterAll(() => shop.stop());

  describe("confirming", () => {
    it("charges an approved card", async () => {
      const payment = await prepare(node);
      expect(payment).toMatchObject({
        status: "ready",
        provider: lab.name,
        amount: { amount: PRICE, currency: "KRW" },
      });
      const key = await lab.pay(payment, "approved");
      expect(await confirm(node, payment, key)).toMatchObject({ status: "paid", paymentKey: key });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
    });

    it("makes one payment for an order, however often it is prepared", async () => {
      const payment = await prepare(node);
      const { orderId, amount } = payment;
      const again = () => node.call("payment.prepare", { orderId, customerId: "customer-1", amount });
      for (const other of await Promise.all([again(), again(), again()])) expect(other).toEqual(payment);
    });

    it("refuses a declined card with 402, and takes another one afterwards", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "declined");
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 402, type: "PAYMENT_DECLINED" });
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 402, type: "PAYMENT_DECLINED" });
      expect(await look(node, payment)).toMatchObject({ status: "failed" });
      const other = await lab.pay(payment, "approved");
      expect(await confirm(node, payment, other)).toMatchObject({ status: "paid", paymentKey: other });
    });

    it("tries again after an error that passes", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "failsOnce");
      expect(await confirm(node, payment, key)).toMatchObject({ status: "paid" });
    });

    it("charges once when it is asked for many times at once, and every time answers that it is paid", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => confirm(node, payment, key)));
      expect(answers.map(({ status }) => status)).toEqual(["paid", "paid", "paid", "paid", "paid"]);
      expect(await confirm(node, payment, key)).toMatchObject({ status: "paid" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
    });

    it("is not confused by a webhook that comes before the answer", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      lab.gate.holding = CHARGE;
      const confirming = confirm(node, payment, key);
      await eventually(() => lab.gate.held.length > 0);
      await hook(node, lab.name, await lab.delivery(key));
      await shop.settled(payment, "paid");
      lab.gate.open();
      expect(await confirming).toMatchObject({ status: "paid", paymentKey: key });
    });

    it("takes no charge of another order and none of another amount", async () => {
      const [mine, other] = [await prepare(node), await prepare(node)];
      const foreign = await lab.pay(other, "approved");
      await expect(confirm(node, mine, foreign)).rejects.toMatchObject({ type: "PAYMENT_DECLINED" });
      const cheap = await lab.pay(mine, "approved", 100);
      await expect(confirm(node, mine, cheap)).rejects.toMatchObject({ code: 422, type: "AMOUNT_MISMATCH" });
      await expect(confirm(node, mine, "no_such_key")).rejects.toMatchObject({ type: "PAYMENT_DECLINED" });
      expect(await lab.books(cheap)).toMatchObject({ captured: 0 });
      expect(await confirm(node, other, foreign)).toMatchObject({ status: "paid" });
    });
  });

  describe("closing", () => {
    it("keeps no charge of an order that is dead", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      expect(await close(node, payment)).toMatchObject({ status: "cancelled" });
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 409, type: "PAYMENT_CLOSED" });
      expect(await lab.books(key)).toMatchObject({ captured: 0 });
    });

    it("gives a captured payment back in full, once", async () => {
      const { payment, key } = await shop.paid();
      await refund(node, payment, 2900);
      const closed = await Promise.all([close(node, payment), close(node, payment), close(node, payment)]);
      for (const { refunded } of closed) expect(refunded.amount).toBeGreaterThanOrEqual(2900);
      await shop.settled(payment, "refunded");
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ type: "PAYMENT_CLOSED" });
    });

    it("gives back what is captured while it closes", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      lab.gate.holding = CHARGE;
      const confirming = confirm(node, payment, key);
      confirming.catch(() => undefined);
      await eventually(() => lab.gate.held.length > 0);
      await close(node, payment);
      lab.gate.open();
      await expect(confirming).rejects.toMatchObject({ type: "PAYMENT_CLOSED" });
      await shop.settled(payment, "refunded");
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });

    it("finds a charge that it never heard of", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      await lab.capture(payment, key);
      await close(node, payment);
      await shop.settled(payment, "refunded");
      await shop.told(payment);
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });
  });

  describe("refunding", () => {
    it("never gives back more than was paid, whoever asks at once", async () => {
      const { payment, key } = await shop.paid();
      const results = await Promise.allSettled([5000, 5000, 5000, 5000].map((amount) => refund(node, payment, amount)));
      expect(codesOf(results)).toEqual(["REFUND_EXCEEDS_PAYMENT", "REFUND_EXCEEDS_PAYMENT", "ok", "ok"]);
      expect(await look(node, payment)).toMatchObject({ status: "partially_refunded", refunded: { amount: 10_000 } });
      expect(await refund(node, payment, 2900)).toMatchObject({ status: "refunded" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });

    it("gives back once for each id, however often it is asked", async () => {
      const { payment, key } = await shop.paid();
      await Promise.all([1, 2, 3].map(() => refund(node, payment, 3000, "refund-1")));
      await refund(node, payment, 3000, "refund-1");
      await expect(refund(node, payment, 4000, "refund-1")).rejects.toMatchObject({ type: "REFUND_ID_REUSED" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 3000 });
    });

    it("refuses to give back what was not paid", async () => {
      const payment = await prepare(node);
      await expect(refund(node, payment, 1)).rejects.toMatchObject({ code: 409, type: "REFUND_EXCEEDS_PAYMENT" });
    });
  });

  describe("webhooks", () => {
    it("bring in money that was given back at the provider", async () => {
      const { payment, key } = await shop.paid();
      await lab.giveBack(key, 900);
      await hook(node, lab.name, await lab.delivery(key));
      expect(await shop.settled(payment, "partially_refunded")).toMatchObject({ refunded: { amount: 900 } });
      await shop.told(payment);
    });
  });

  describe("settling by itself", () => settlingSuite(makeLab, environment));
}
