import { eventually, type TestNode } from "./node";
import { type Lab, signedEvent, stripeLab } from "./payment.labs";
import { close, confirm, hook, look, orderDouble, prepare, startPayment } from "./payment.parts";
import { paymentSuite } from "./payment.suite";
import type { StripeServer } from "./stripe-server";

describe("payments with the Stripe adapter", () => paymentSuite(stripeLab));

describe("Stripe", () => {
  let lab: Lab & { server: StripeServer };
  let node: TestNode;

  beforeAll(async () => {
    lab = await stripeLab();
    node = await startPayment(lab, orderDouble());
  });
  afterAll(async () => {
    await node.stop();
    await lab.stop();
  });

  const event = (id: string) => ({
    id: "evt_1",
    object: "event",
    type: "payment_intent.succeeded",
    data: { object: { id, object: "payment_intent" } },
  });

  it("gives the customer's client what Stripe.js needs", async () => {
    const { client } = await prepare(node);
    expect(client).toMatchObject({
      publishableKey: "pk_test_lab",
      clientSecret: `${client.paymentKey}_secret_x`,
      paymentKey: expect.stringMatching(/^pi_/),
    });
  });

  it("is not charged while the customer has only authorised, and lets go of it when the order dies", async () => {
    const payment = await prepare(node);
    const key = await lab.pay(payment, "approved");
    expect(await lab.books(key)).toMatchObject({ captured: 0 });
    await close(node, payment);
    await eventually(() => lab.server.intent(key).status === "canceled");
    await expect(confirm(node, payment, key)).rejects.toMatchObject({ type: "PAYMENT_CLOSED" });
  });

  it("does not let go of another order's charge for a dead order that names it", async () => {
    const [mine, other] = [await prepare(node), await prepare(node)];
    const key = await lab.pay(other, "approved");
    lab.gate.mode = "refuse";
    await expect(confirm(node, mine, key)).rejects.toMatchObject({ code: 503 });
    await close(node, mine);
    lab.gate.open();
    await eventually(async () => (await look(node, mine)).status === "cancelled");
    await expect(node.call("payment.settle", { orderId: mine.orderId })).resolves.toMatchObject({
      status: "cancelled",
    });
    expect(await confirm(node, other, key)).toMatchObject({ status: "paid" });
  });

  it.each([
    ["is not signed", () => ({ body: JSON.stringify(event("pi_1")), headers: {} })],
    ["was signed for another body", () => ({ ...signedEvent(event("pi_1")), body: JSON.stringify(event("pi_2")) })],
    ["was signed too long ago", () => signedEvent(event("pi_1"), Math.floor(Date.now() / 1000) - 301)],
  ])("takes no webhook that %s", async (_, delivery) => {
    await expect(hook(node, "stripe", delivery())).rejects.toMatchObject({ code: 400, type: "BAD_SIGNATURE" });
  });

  it("takes one that is signed, also about a payment that is not there", async () => {
    expect(await hook(node, "stripe", signedEvent(event("pi_unknown")))).toEqual({});
  });
});
