import { won } from "../../lib/money";
import type { OrderView } from "../../services/order/order.schema";
import { eventually } from "./node";
import { customer, OrderLab, shippingAddress } from "./order.parts";
import { ADMIN, inventory, stocked } from "./product.parts";

let lab: OrderLab;
afterEach(() => lab.stop());

/** The first refund's answer is late, the second's is lost: the second was promised after the first was read. */
async function overlappingRefunds(order: OrderView, first: number, second: number) {
  let cancels = 0;
  lab.provider.fate = (path) => {
    if (!path.endsWith("/cancel")) return {};
    cancels++;
    return cancels === 1 ? { delayMs: 700 } : { loseAnswer: cancels <= 4 };
  };
  const refund = (amount: number) =>
    lab.ask(ADMIN, "refund", { id: order.id, amount: won(amount), reason: `r${amount}` });
  const one = refund(first);
  await eventually(() => cancels === 1);
  const two = refund(second);
  await Promise.allSettled([one, two]);
}

it("ends as refunded when all is given back in refunds that overlap, one of them unheard of", async () => {
  lab = await OrderLab.start();
  const sku = await stocked(lab.node, 5);
  const order = await lab.paid(customer(), sku, 5);
  const total = order.totals.total.amount;
  await overlappingRefunds(order, 1000, total - 1000);
  const ended = await eventually(async () => {
    const seen = await lab.find(order.id);
    const told = seen.history.filter((entry) => entry.reason?.startsWith("r"));
    return seen.status === "refunded" && told.length === 2 && seen;
  }, 15_000);
  expect(ended.payment).toMatchObject({ status: "refunded", refunded: won(total) });
  expect(await lab.held(order)).toBe(0);
  await eventually(async () => (await inventory(lab.node, sku)).available === 5);
  await expect(lab.ask(ADMIN, "ship", { id: order.id, carrier: "c", trackingNumber: "1" })).rejects.toMatchObject({
    type: "ORDER_STATE",
  });
});

it("keeps a cancelled order cancelled when a refund that was under way is asked for again", async () => {
  lab = await OrderLab.start();
  const sku = await stocked(lab.node, 5);
  const meta = customer();
  const order = await lab.paid(meta, sku, 2);
  lab.provider.fate = (path) => ({ loseAnswer: path.endsWith("/cancel") || path.includes("/v1/payments/") });
  const refund = () => lab.ask(ADMIN, "refund", { id: order.id, amount: won(1000), reason: "damaged" }, "refund-1");
  await expect(refund()).rejects.toMatchObject({ code: 503 });
  lab.provider.fate = () => ({});
  expect((await lab.ask(meta, "cancel", { id: order.id, reason: "no" })).status).toBe("cancelled");
  expect((await refund()).status).toBe("cancelled");
  await eventually(async () => (await lab.held(order)) === 0);
  expect((await lab.find(order.id)).status).toBe("cancelled");
  await eventually(async () => (await inventory(lab.node, sku)).available === 5);
});

it("cancels within five seconds of its end an order whose payment nobody answers for, and gives late money back", async () => {
  lab = await OrderLab.start({ ORDER_PAYMENT_WINDOW: "2", LEASE_MS: "10000" });
  const sku = await stocked(lab.node, 5);
  const meta = customer();
  const order = await lab.place(meta, sku);
  const paymentKey = await lab.checkout(order);
  lab.provider.fate = () => ({ loseAnswer: true });
  const pay = () => lab.ask(meta, "pay", { id: order.id, paymentKey, amount: order.totals.total });
  await expect(pay()).rejects.toMatchObject({ code: 503 });
  const end = Date.parse(order.expiresAt ?? "");
  await eventually(async () => (await lab.find(order.id)).status === "cancelled", end + 5000 - Date.now());
  await expect(pay()).rejects.toMatchObject({ type: "ORDER_NOT_PAYABLE" });
  lab.provider.fate = () => ({});
  await eventually(async () => (await lab.held(order)) === 0, 25_000);
  await eventually(async () => (await inventory(lab.node, sku)).available === 5);
}, 60_000);

it("cancels hundreds of orders that end at once in time", async () => {
  lab = await OrderLab.start({ ORDER_PAYMENT_WINDOW: "3" });
  const sku = await stocked(lab.node, 1000);
  const meta = customer();
  const orders = await Promise.all(Array.from({ length: 300 }, () => lab.place(meta, sku)));
  const last = Math.max(...orders.map((order) => Date.parse(order.expiresAt ?? "")));
  await eventually(async () => (await inventory(lab.node, sku)).available === 1000, last + 5000 - Date.now());
  const seen = await Promise.all(orders.map((order) => lab.find(order.id)));
  for (const { expiresAt, status, history } of seen) {
    expect([expiresAt, status]).toEqual([undefined, "cancelled"]);
    expect(Date.parse(history.at(-1)?.at ?? "")).toBeLessThan(last + 5000);
  }
}, 60_000);

it("refuses an order that is dearer than a payment may be, and holds no stock for it", async () => {
  lab = await OrderLab.start();
  const skus = Array.from({ length: 11 }, (_, i) => `DEAR-${i}`);
  for (const sku of skus)
    await lab.node.as(ADMIN, "product.create", {
      name: sku,
      category: "things",
      variants: [{ sku, name: "One", price: won(1_000_000_000), stock: 99 }],
    });
  const items = skus.map((sku) => ({ sku, quantity: 99 }));
  await expect(lab.ask(customer(), "place", { items, shippingAddress })).rejects.toMatchObject({
    type: "ORDER_TOO_LARGE",
  });
  expect(await inventory(lab.node, "DEAR-0")).toMatchObject({ available: 99, reserved: 0 });
});

it("makes the cart's order once, empties that cart, and leaves what came into it meanwhile", async () => {
  lab = await OrderLab.start();
  const [one, two] = [await stocked(lab.node, 5), await stocked(lab.node, 5)];
  const meta = customer();
  await lab.node.as(meta, "order.putCartItem", { sku: one, quantity: 2 });
  const placing = lab.ask(meta, "place", { shippingAddress }, "cart-order");
  const order = await placing;
  await lab.node.as(meta, "order.putCartItem", { sku: two, quantity: 1 });
  expect((await lab.ask(meta, "place", { shippingAddress }, "cart-order")).id).toBe(order.id);
  const cart = await lab.node.as<{ items: { sku: string }[] }>(meta, "order.cart", {});
  expect(cart.items.map((item) => item.sku)).toEqual([two]);
  await lab.node.as(meta, "order.clearCart", {});
  await expect(lab.ask(meta, "place", { shippingAddress })).rejects.toMatchObject({ type: "CART_EMPTY" });
});

it("keeps an erased customer's orders without address, in what is replayed too", async () => {
  lab = await OrderLab.start();
  const sku = await stocked(lab.node, 5);
  const meta = customer();
  const order = await lab.ask(meta, "place", { items: [{ sku, quantity: 1 }], shippingAddress }, "erased");
  const sent = await lab.paid(meta, sku);
  await lab.ask(meta, "cancel", { id: order.id, reason: "no" });
  await lab.node.call("order.anonymise", { customerId: meta.user?.id ?? "" });
  expect((await lab.find(order.id)).shippingAddress).toBeNull();
  // What has to be sent still has to be sent somewhere.
  expect((await lab.find(sent.id)).shippingAddress).not.toBeNull();
  await lab.ask(ADMIN, "ship", { id: sent.id, carrier: "c", trackingNumber: "1" });
  await lab.ask(ADMIN, "deliver", { id: sent.id });
  expect((await lab.find(sent.id)).shippingAddress).toBeNull();
  await expect(
    lab.ask(meta, "place", { items: [{ sku, quantity: 1 }], shippingAddress }, "erased").then((again) => again.id),
  ).resolves.not.toBe(order.id);
});
