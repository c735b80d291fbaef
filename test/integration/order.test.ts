import type { Meta } from "../../lib/actions";
import { newId } from "../../lib/ids";
import { freePorts } from "../../lib/infra/ports";
import { won } from "../../lib/money";
import type { OrderView } from "../../services/order/order.schema";
import orderService from "../../services/order/order.service";
import paymentService from "../../services/payment/payment.service";
import sandboxService from "../../services/payment/sandbox.service";
import productService from "../../services/product/product.service";
import userService from "../../services/user/user.service";
import { eventually, startNode, type TestNode } from "./node";
import { ADMIN, inventory, stocked } from "./product.parts";
import { type SlowProvider, slowProvider } from "./slow-provider";

const shippingAddress = { recipient: "r", phone: "010-1234-5678", postalCode: "04524", line1: "l", country: "KR" };
const customer = (id = newId()): Meta => ({ user: { id, roles: ["customer"], sid: "s" } });

let node: TestNode;
let provider: SlowProvider;
let sandboxUrl: string;

async function start(more: Record<string, string> = {}): Promise<void> {
  const [port = 0] = await freePorts(1);
  sandboxUrl = `http://127.0.0.1:${port}`;
  provider = await slowProvider(() => sandboxUrl);
  node = await startNode([productService, paymentService, sandboxService, userService, orderService], {
    LEASE_MS: "500",
    PAYMENT_TIMEOUT_MS: "1000",
    SANDBOX_PORT: String(port),
    SANDBOX_URL: provider.url,
    ORDER_SHIPPING_FEE: "0",
    ...more,
  });
}
afterEach(async () => {
  await node.stop();
  await provider.close();
});

const ask = <R = OrderView>(meta: Meta, action: string, params: object, key: string = newId()) =>
  node.as<R>({ ...meta, idempotencyKey: key }, `order.${action}`, params);
const place = (meta: Meta, sku: string, quantity = 1) =>
  ask(meta, "place", { items: [{ sku, quantity }], shippingAddress });
const find = (id: string) => node.as<OrderView>(ADMIN, "order.find", { id });

async function checkout(order: OrderView, card = "4242424242424242"): Promise<string> {
  const { orderId, amount } = order.payment.client;
  const response = await fetch(`${sandboxUrl}/checkout`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ orderId, amount, card }),
  });
  return ((await response.json()) as { paymentKey: string }).paymentKey;
}

async function paid(meta: Meta, sku: string, quantity = 1): Promise<OrderView> {
  const order = await place(meta, sku, quantity);
  return ask(meta, "pay", { id: order.id, paymentKey: await checkout(order), amount: order.totals.total });
}

/** The sandbox's own view of what it holds of an order's money. */
async function held({ id }: OrderView): Promise<number> {
  const headers = { Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}` };
  const charge = (await (await fetch(`${sandboxUrl}/v1/payments/orders/${id}`, { headers })).json()) as {
    balanceAmount: number;
  };
  return charge.balanceAmount;
}

/** The first refund's answer is late, the second's is lost: the second was promised after the first was read. */
async function overlappingRefunds(order: OrderView, first: number, second: number) {
  let cancels = 0;
  provider.fate = (path) => {
    if (!path.endsWith("/cancel")) return {};
    cancels++;
    return cancels === 1 ? { delayMs: 700 } : { loseAnswer: cancels <= 4 };
  };
  const refund = (amount: number) => ask(ADMIN, "refund", { id: order.id, amount: won(amount), reason: `r${amount}` });
  const one = refund(first);
  await eventually(() => cancels === 1);
  const two = refund(second);
  await Promise.allSettled([one, two]);
}

it("ends as refunded when all is given back in refunds that overlap, one of them unheard of", async () => {
  await start();
  const sku = await stocked(node, 5);
  const order = await paid(customer(), sku, 5);
  const total = order.totals.total.amount;
  await overlappingRefunds(order, 1000, total - 1000);
  const ended = await eventually(async () => {
    const seen = await find(order.id);
    const told = seen.history.filter((entry) => entry.reason?.startsWith("r"));
    return seen.status === "refunded" && told.length === 2 && seen;
  }, 15_000);
  expect(ended.payment).toMatchObject({ status: "refunded", refunded: won(total) });
  expect(await held(order)).toBe(0);
  await eventually(async () => (await inventory(node, sku)).available === 5);
  await expect(ask(ADMIN, "ship", { id: order.id, carrier: "c", trackingNumber: "1" })).rejects.toMatchObject({
    type: "ORDER_STATE",
  });
});

it("keeps a cancelled order cancelled when a refund that was under way is asked for again", async () => {
  await start();
  const sku = await stocked(node, 5);
  const meta = customer();
  const order = await paid(meta, sku, 2);
  provider.fate = (path) => ({ loseAnswer: path.endsWith("/cancel") || path.includes("/v1/payments/") });
  const refund = () => ask(ADMIN, "refund", { id: order.id, amount: won(1000), reason: "damaged" }, "refund-1");
  await expect(refund()).rejects.toMatchObject({ code: 503 });
  provider.fate = () => ({});
  expect((await ask(meta, "cancel", { id: order.id, reason: "no" })).status).toBe("cancelled");
  expect((await refund()).status).toBe("cancelled");
  await eventually(async () => (await held(order)) === 0);
  expect((await find(order.id)).status).toBe("cancelled");
  await eventually(async () => (await inventory(node, sku)).available === 5);
});

it("cancels within five seconds of its end an order whose payment nobody answers for, and gives late money back", async () => {
  await start({ ORDER_PAYMENT_WINDOW: "2", LEASE_MS: "10000" });
  const sku = await stocked(node, 5);
  const meta = customer();
  const order = await place(meta, sku);
  const paymentKey = await checkout(order);
  provider.fate = () => ({ loseAnswer: true });
  const pay = () => ask(meta, "pay", { id: order.id, paymentKey, amount: order.totals.total });
  await expect(pay()).rejects.toMatchObject({ code: 503 });
  const end = Date.parse(order.expiresAt ?? "");
  await eventually(async () => (await find(order.id)).status === "cancelled", end + 5000 - Date.now());
  await expect(pay()).rejects.toMatchObject({ type: "ORDER_NOT_PAYABLE" });
  provider.fate = () => ({});
  await eventually(async () => (await held(order)) === 0, 25_000);
  await eventually(async () => (await inventory(node, sku)).available === 5);
}, 60_000);

it("cancels hundreds of orders that end at once in time", async () => {
  await start({ ORDER_PAYMENT_WINDOW: "3" });
  const sku = await stocked(node, 1000);
  const meta = customer();
  const orders = await Promise.all(Array.from({ length: 300 }, () => place(meta, sku)));
  const last = Math.max(...orders.map((order) => Date.parse(order.expiresAt ?? "")));
  await eventually(async () => (await inventory(node, sku)).available === 1000, last + 5000 - Date.now());
  const seen = await Promise.all(orders.map((order) => find(order.id)));
  for (const { expiresAt, status, history } of seen) {
    expect([expiresAt, status]).toEqual([undefined, "cancelled"]);
    expect(Date.parse(history.at(-1)?.at ?? "")).toBeLessThan(last + 5000);
  }
}, 60_000);

it("refuses an order that is dearer than a payment may be, and holds no stock for it", async () => {
  await start();
  const skus = Array.from({ length: 11 }, (_, i) => `DEAR-${i}`);
  for (const sku of skus)
    await node.as(ADMIN, "product.create", {
      name: sku,
      category: "things",
      variants: [{ sku, name: "One", price: won(1_000_000_000), stock: 99 }],
    });
  const items = skus.map((sku) => ({ sku, quantity: 99 }));
  await expect(ask(customer(), "place", { items, shippingAddress })).rejects.toMatchObject({ type: "ORDER_TOO_LARGE" });
  expect(await inventory(node, "DEAR-0")).toMatchObject({ available: 99, reserved: 0 });
});

it("makes the cart's order once, empties that cart, and leaves what came into it meanwhile", async () => {
  await start();
  const [one, two] = [await stocked(node, 5), await stocked(node, 5)];
  const meta = customer();
  await node.as(meta, "order.putCartItem", { sku: one, quantity: 2 });
  const placing = ask(meta, "place", { shippingAddress }, "cart-order");
  const order = await placing;
  await node.as(meta, "order.putCartItem", { sku: two, quantity: 1 });
  expect((await ask(meta, "place", { shippingAddress }, "cart-order")).id).toBe(order.id);
  const cart = await node.as<{ items: { sku: string }[] }>(meta, "order.cart", {});
  expect(cart.items.map((item) => item.sku)).toEqual([two]);
  await node.as(meta, "order.clearCart", {});
  await expect(ask(meta, "place", { shippingAddress })).rejects.toMatchObject({ type: "CART_EMPTY" });
});

it("keeps an erased customer's orders without address, in what is replayed too", async () => {
  await start();
  const sku = await stocked(node, 5);
  const meta = customer();
  const order = await ask(meta, "place", { items: [{ sku, quantity: 1 }], shippingAddress }, "erased");
  const sent = await paid(meta, sku);
  await ask(meta, "cancel", { id: order.id, reason: "no" });
  await node.call("order.anonymise", { customerId: meta.user?.id ?? "" });
  expect((await find(order.id)).shippingAddress).toBeNull();
  // What has to be sent still has to be sent somewhere.
  expect((await find(sent.id)).shippingAddress).not.toBeNull();
  await ask(ADMIN, "ship", { id: sent.id, carrier: "c", trackingNumber: "1" });
  await ask(ADMIN, "deliver", { id: sent.id });
  expect((await find(sent.id)).shippingAddress).toBeNull();
  await expect(
    ask(meta, "place", { items: [{ sku, quantity: 1 }], shippingAddress }, "erased").then((again) => again.id),
  ).resolves.not.toBe(order.id);
});
