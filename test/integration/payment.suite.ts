import { eventually, type TestNode } from "./node";
import type { Lab } from "./payment.labs";
import { close, confirm, hook, look, orderDouble, PRICE, prepare, refund, startPayment } from "./payment.parts";

const CHARGE = /POST .*(confirm|capture)/;

const codesOf = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === "fulfilled" ? "ok" : String(result.reason.type))).sort();

/** What was postponed a few times comes after some seconds, on a busy machine later. */
const PATIENCE_MS = 20_000;

/** What every provider's adapter has to do, against a server that speaks its protocol; `environment` names another store. */
export function paymentSuite(makeLab: () => Promise<Lab>, environment: Record<string, string> = {}): void {
  let lab: Lab;
  let node: TestNode;
  const order = orderDouble();

  beforeAll(async () => {
    lab = await makeLab();
    node = await startPayment(lab, order, environment);
  });
  afterEach(() => {
    lab.gate.open();
    order.state.down = false;
  });
  afterAll(async () => {
    await node.stop();
    await lab.stop();
  });

  const paid = async () => {
    const payment = await prepare(node);
    const key = await lab.pay(payment, "approved");
    await confirm(node, payment, key);
    return { payment, key };
  };
  const cut = (how: string) => {
    if (how === "break") lab.gate.breakAt = CHARGE;
    else lab.gate.mode = how === "refuse" ? "refuse" : "lose-answers";
  };
  const settled = (payment: { id: string }, status: string, on = node) =>
    eventually(async () => {
      const seen = await look(on, payment);
      return seen.status === status && seen;
    }, PATIENCE_MS);
  const told = ({ orderId }: { orderId: string }) => eventually(() => order.told.includes(orderId), PATIENCE_MS);

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

    it("finds out that a charge went through whose answer never came", async () => {
      // With a lease this long no sweeper can have found it out.
      const patient = await startPayment(lab, order, { ...environment, LEASE_MS: "20000" });
      const payment = await prepare(patient);
      const key = await lab.pay(payment, "hangs");
      expect(await confirm(patient, payment, key)).toMatchObject({ status: "paid" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
      await patient.stop();
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
      await settled(payment, "paid");
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

    it.each([
      ["before the charge", "refuse"],
      ["after each request", "lose-answers"],
      ["at the charge", "break"],
    ])("says that it does not know when the line is cut %s, and settles by itself", async (_, how) => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      cut(how);
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 503, type: "PAYMENT_OUTCOME_UNKNOWN" });
      await expect(node.call("payment.settle", { orderId: payment.orderId })).rejects.toMatchObject({ code: 503 });
      lab.gate.open();
      await settled(payment, "paid");
      await told(payment);
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
    });

    it("goes on after a restart with what was open", async () => {
      const first = await startPayment(lab, order, environment);
      const payment = await prepare(first);
      const key = await lab.pay(payment, "approved");
      lab.gate.mode = "refuse";
      await expect(confirm(first, payment, key)).rejects.toMatchObject({ code: 503 });
      await first.broker.stop();
      lab.gate.open();
      const second = await startPayment(lab, order, { ...environment, DATA_DIR: first.dataDir });
      await settled(payment, "paid", second);
      await told(payment);
      await second.stop();
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
      const { payment, key } = await paid();
      await refund(node, payment, 2900);
      const closed = await Promise.all([close(node, payment), close(node, payment), close(node, payment)]);
      for (const { refunded } of closed) expect(refunded.amount).toBeGreaterThanOrEqual(2900);
      await settled(payment, "refunded");
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
      await settled(payment, "refunded");
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });

    it("gives back later, and tells the order, when the provider cannot be reached", async () => {
      const { payment, key } = await paid();
      lab.gate.mode = "refuse";
      expect(await close(node, payment)).toMatchObject({ status: "paid" });
      lab.gate.open();
      await settled(payment, "refunded");
      await told(payment);
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });

    it("closes a payment whose outcome is open, and gives back what comes of it", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      cut("break");
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 503 });
      await close(node, payment);
      lab.gate.open();
      await settled(payment, "refunded");
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });

    it("finds a charge that it never heard of", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      await lab.capture(payment, key);
      await close(node, payment);
      await settled(payment, "refunded");
      await told(payment);
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });
  });

  describe("refunding", () => {
    it("never gives back more than was paid, whoever asks at once", async () => {
      const { payment, key } = await paid();
      const results = await Promise.allSettled([5000, 5000, 5000, 5000].map((amount) => refund(node, payment, amount)));
      expect(codesOf(results)).toEqual(["REFUND_EXCEEDS_PAYMENT", "REFUND_EXCEEDS_PAYMENT", "ok", "ok"]);
      expect(await look(node, payment)).toMatchObject({ status: "partially_refunded", refunded: { amount: 10_000 } });
      expect(await refund(node, payment, 2900)).toMatchObject({ status: "refunded" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    });

    it("gives back once for each id, however often it is asked", async () => {
      const { payment, key } = await paid();
      await Promise.all([1, 2, 3].map(() => refund(node, payment, 3000, "refund-1")));
      await refund(node, payment, 3000, "refund-1");
      await expect(refund(node, payment, 4000, "refund-1")).rejects.toMatchObject({ type: "REFUND_ID_REUSED" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 3000 });
    });

    it.each(["refuse", "lose-answers"] as const)(
      "finishes a refund by itself when the line is cut (%s)",
      async (mode) => {
        const { payment, key } = await paid();
        lab.gate.mode = mode;
        await expect(refund(node, payment, 3000)).rejects.toMatchObject({ code: 503, type: "PAYMENT_OUTCOME_UNKNOWN" });
        lab.gate.open();
        await settled(payment, "partially_refunded");
        await told(payment);
        expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 3000 });
      },
    );

    it("refuses to give back what was not paid", async () => {
      const payment = await prepare(node);
      await expect(refund(node, payment, 1)).rejects.toMatchObject({ code: 409, type: "REFUND_EXCEEDS_PAYMENT" });
    });
  });

  describe("webhooks", () => {
    it("take over a charge that was captured elsewhere, once, and tell the order until it listens", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      const early = await lab.delivery(key);
      await lab.capture(payment, key);
      const late = await lab.delivery(key);
      order.state.down = true;
      // Out of order and repeated: what counts is what the provider says when it is asked.
      for (const delivery of [late, early, late, early]) expect(await hook(node, lab.name, delivery)).toEqual({});
      await settled(payment, "paid");
      expect(order.told).not.toContain(payment.orderId);
      order.state.down = false;
      await told(payment);
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
    });

    it("are handled later when the provider cannot be asked", async () => {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      await lab.capture(payment, key);
      const delivery = await lab.delivery(key);
      lab.gate.mode = "refuse";
      const before = lab.gate.refused;
      await hook(node, lab.name, delivery);
      await eventually(() => lab.gate.refused >= before + 3);
      lab.gate.open();
      await settled(payment, "paid");
    });

    it("bring in money that was given back at the provider", async () => {
      const { payment, key } = await paid();
      await lab.giveBack(key, 900);
      await hook(node, lab.name, await lab.delivery(key));
      expect(await settled(payment, "partially_refunded")).toMatchObject({ refunded: { amount: 900 } });
      await told(payment);
    });
  });
}
