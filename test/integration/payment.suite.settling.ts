import { eventually } from "./node";
import { close, confirm, hook, PRICE, prepare, refund } from "./payment.parts";
import { type MakeEnvironment, type MakeLab, openPaymentShop, type PaymentShop } from "./payment.shop";
import { together } from "./together";

interface Story {
  environment?: Record<string, string>;
  run: (shop: PaymentShop) => Promise<void>;
}

const unsure = { code: 503, type: "PAYMENT_OUTCOME_UNKNOWN" };

const confirmingWhenCut = (how: string): Story => ({
  async run({ lab, node, cut, settled, told }) {
    const payment = await prepare(node);
    const key = await lab.pay(payment, "approved");
    cut(how);
    await expect(confirm(node, payment, key)).rejects.toMatchObject(unsure);
    await expect(node.call("payment.settle", { orderId: payment.orderId })).rejects.toMatchObject({ code: 503 });
    lab.gate.open();
    await settled(payment, "paid");
    await told(payment);
    expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
  },
});

const refundingWhenCut = (how: string): Story => ({
  async run({ lab, node, paid, cut, settled, told }) {
    const { payment, key } = await paid();
    cut(how);
    await expect(refund(node, payment, 3000)).rejects.toMatchObject(unsure);
    lab.gate.open();
    await settled(payment, "partially_refunded");
    await told(payment);
    expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 3000 });
  },
});

const STORIES: Record<string, Story> = {
  "finds out that a charge went through whose answer never came": {
    // With a lease this long no sweeper can have found it out.
    environment: { LEASE_MS: "20000" },
    async run({ lab, node }) {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "hangs");
      expect(await confirm(node, payment, key)).toMatchObject({ status: "paid" });
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: 0 });
    },
  },
  "says that it does not know when the line is cut before the charge, and settles by itself":
    confirmingWhenCut("refuse"),
  "says that it does not know when the line is cut after each request, and settles by itself":
    confirmingWhenCut("lose-answers"),
  "says that it does not know when the line is cut at the charge, and settles by itself": confirmingWhenCut("break"),
  "goes on after a restart with what was open": {
    async run({ lab, node, restart, settled, told }) {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      lab.gate.mode = "refuse";
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 503 });
      await node.broker.stop();
      lab.gate.open();
      const second = await restart();
      await settled(payment, "paid", second);
      await told(payment);
      await second.stop();
    },
  },
  "gives back later, and tells the order, when the provider cannot be reached": {
    async run({ lab, node, paid, settled, told }) {
      const { payment, key } = await paid();
      lab.gate.mode = "refuse";
      expect(await close(node, payment)).toMatchObject({ status: "paid" });
      lab.gate.open();
      await settled(payment, "refunded");
      await told(payment);
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    },
  },
  "closes a payment whose outcome is open, and gives back what comes of it": {
    async run({ lab, node, cut, settled }) {
      const payment = await prepare(node);
      const key = await lab.pay(payment, "approved");
      cut("break");
      await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 503 });
      await close(node, payment);
      lab.gate.open();
      await settled(payment, "refunded");
      expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    },
  },
  "finishes a refund by itself when the line is cut (refuse)": refundingWhenCut("refuse"),
  "finishes a refund by itself when the line is cut (lose-answers)": refundingWhenCut("lose-answers"),
  "webhooks take over a charge that was captured elsewhere, once, and tell the order until it listens": {
    async run({ lab, node, order, settled, told }) {
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
    },
  },
  "webhooks are handled later when the provider cannot be asked": {
    async run({ lab, node, settled }) {
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
    },
  },
};

/** What happens by itself some seconds later, of each in a shop of its own. */
export function settlingSuite(makeLab: MakeLab, environment: MakeEnvironment): void {
  const shops = new Map<Story, PaymentShop>();
  beforeAll(() =>
    Promise.all(
      Object.values(STORIES).map(async (story) => {
        // Many go on at once, and none may miss its answers for that.
        const settings = { PAYMENT_TIMEOUT_MS: "1500", ...environment(), ...story.environment };
        shops.set(story, await openPaymentShop(makeLab, settings));
      }),
    ),
  );
  const told = Object.entries(STORIES).map(([title, story]) => [
    title,
    () => story.run(shops.get(story) as PaymentShop),
  ]);
  together(Object.fromEntries(told));
  afterAll(() => Promise.all([...shops.values()].map((shop) => shop.stop())));
}
