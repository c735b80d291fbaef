import { randomUUID } from "node:crypto";
import { eventually } from "../integration/node";
import { ADDRESS, CARD, expectStatus, type Order, PASSWORD, type Shop, type Tokens } from "./shop";

/** What every customer may do, over HTTP alone; runs the same against one process and against a cluster. */
export function journey(shopOf: () => Shop): void {
  let shop: Shop;
  let admin: string;
  beforeAll(async () => {
    shop = shopOf();
    admin = (await shop.admin()).accessToken;
  });

  async function paidOrder(quantity = 1): Promise<{ token: string; order: Order; sku: string; paymentKey: string }> {
    const { sku } = await shop.newProduct(admin, 10);
    const { accessToken: token } = await shop.register();
    const order = expectStatus(await shop.place(token, [{ sku, quantity }]), 201);
    const paymentKey = await shop.checkout(order);
    return { token, sku, paymentKey, order: expectStatus(await shop.confirm(token, order, paymentKey), 200) };
  }

  it("says where an account is that was made", async () => {
    const body = { email: `${randomUUID()}@example.com`, password: PASSWORD, name: "Han" };
    const made = await shop.call<Tokens>("POST", "/auth/register", { body });
    expect([made.status, made.headers.get("location")]).toEqual([201, "/api/v1/users/me"]);
    const { body: found } = await shop.call("GET", "/users/me", { token: made.body.accessToken });
    expect(found).toEqual(made.body.user);
  });

  it("leads from registering over the cart to a paid, shipped and delivered order", async () => {
    const { accessToken: token, user } = await shop.register("Lee");
    expect(user).toMatchObject({ name: "Lee", roles: ["customer"] });
    const [product] = await shop.products("?limit=1&sort=price");
    const sku = product?.variants[0]?.sku ?? "";
    const address = expectStatus(
      await shop.call<{ id: string }>("POST", "/users/me/addresses", { token, body: ADDRESS }),
      201,
    );
    const cart = await shop.call("PUT", `/cart/items/${sku}`, { token, body: { quantity: 2 } });
    expect(expectStatus(cart, 200)).toMatchObject({ items: [{ sku, quantity: 2 }] });

    const placed = await shop.call<Order>("POST", "/orders", {
      token,
      key: randomUUID(),
      body: { addressId: address.id },
    });
    const order = expectStatus(placed, 201);
    const price = product?.variants[0]?.price.amount ?? 0;
    expect(order).toMatchObject({
      customerId: user.id,
      status: "awaiting_payment",
      items: [{ sku, quantity: 2, unitPrice: { amount: price }, lineTotal: { amount: 2 * price, currency: "KRW" } }],
      totals: { items: { amount: 2 * price }, total: { amount: 2 * price + order.totals.shipping.amount } },
      shippingAddress: { recipient: ADDRESS.recipient },
      payment: { provider: "sandbox", status: "ready" },
    });
    expect(Date.parse(order.expiresAt ?? "")).toBeGreaterThan(Date.now());
    expect(expectStatus(await shop.call("GET", "/cart", { token }), 200)).toMatchObject({ items: [] });

    const paid = expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
    expect(paid).toMatchObject({ status: "paid", payment: { status: "paid" } });
    expect(paid.expiresAt).toBeUndefined();

    const shipment = { carrier: "CJ", trackingNumber: "123" };
    const shipped = await shop.call("POST", `/orders/${order.id}/ship`, { token: admin, body: shipment });
    expect(expectStatus(shipped, 200)).toMatchObject({ status: "shipped" });
    const delivered = await shop.call<Order>("POST", `/orders/${order.id}/deliver`, { token: admin });
    expect(expectStatus(delivered, 200).history.map((entry) => entry.status)).toEqual([
      "awaiting_payment",
      "paid",
      "shipped",
      "delivered",
    ]);
  });

  it("cancels a waiting order, and its stock is free again", async () => {
    const { sku } = await shop.newProduct(admin, 5);
    const { accessToken: token } = await shop.register();
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 5 }]), 201);
    expect(await shop.stock(admin, sku)).toEqual({ available: 0, reserved: 5, sold: 0 });
    const cancel = { token, body: { reason: "changed my mind" } };
    const cancelled = expectStatus(await shop.call<Order>("POST", `/orders/${order.id}/cancel`, cancel), 200);
    expect(cancelled).toMatchObject({ status: "cancelled", payment: { status: "cancelled" } });
    expect(await shop.stock(admin, sku)).toEqual({ available: 5, reserved: 0, sold: 0 });
    const late = await shop.confirm(token, order, await shop.checkout(order));
    expect([late.status, late.body.code]).toEqual([409, "ORDER_NOT_PAYABLE"]);
  });

  it("cancels a paid order and gives all of the money back", async () => {
    const { token, order, sku } = await paidOrder(3);
    expect(await shop.stock(admin, sku)).toEqual({ available: 7, reserved: 0, sold: 3 });
    const cancel = { token, body: { reason: "too slow" } };
    const cancelled = expectStatus(await shop.call<Order>("POST", `/orders/${order.id}/cancel`, cancel), 200);
    expect(cancelled).toMatchObject({
      status: "cancelled",
      payment: { status: "refunded", refunded: order.totals.total },
    });
    expect(await shop.stock(admin, sku)).toEqual({ available: 10, reserved: 0, sold: 0 });
  });

  it("refunds in parts and never more than was paid", async () => {
    const { token, order } = await paidOrder();
    const total = order.totals.total.amount;
    const refund = (amount: number | undefined, key: string = randomUUID()) =>
      shop.call<Order>("POST", `/orders/${order.id}/refund`, {
        token: admin,
        key,
        body: { reason: "damaged", ...(amount && { amount: { amount, currency: "KRW" } }) },
      });
    expect(expectStatus(await refund(1000, "part"), 200)).toMatchObject({
      status: "paid",
      payment: { status: "partially_refunded", refunded: { amount: 1000 } },
    });
    const again = await refund(1000, "part");
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
    const tooMuch = await refund(total);
    expect([tooMuch.status, tooMuch.body.code]).toEqual([409, "REFUND_EXCEEDS_PAYMENT"]);
    expect(expectStatus(await refund(undefined), 200)).toMatchObject({
      status: "refunded",
      payment: { status: "refunded", refunded: { amount: total } },
    });
    expect((await shop.order(token, order.id)).status).toBe("refunded");
  });

  it("lets a declined card try again, and pays with another", async () => {
    const { sku } = await shop.newProduct(admin, 1);
    const { accessToken: token } = await shop.register();
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
    const declined = await shop.confirm(token, order, await shop.checkout(order, CARD.declined));
    expect([declined.status, declined.body.code]).toEqual([402, "PAYMENT_DECLINED"]);
    expect((await shop.order(token, order.id)).status).toBe("awaiting_payment");
    const paid = await shop.confirm(token, order, await shop.checkout(order));
    expect(expectStatus(paid, 200).status).toBe("paid");
  });

  it("pays although the provider fails once", async () => {
    const { sku } = await shop.newProduct(admin, 1);
    const { accessToken: token } = await shop.register();
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
    const paid = await shop.confirm(token, order, await shop.checkout(order, CARD.retryable));
    expect(expectStatus(paid, 200).status).toBe("paid");
  });

  it("settles by itself when the provider charged and did not answer", async () => {
    const { sku } = await shop.newProduct(admin, 1);
    const { accessToken: token } = await shop.register();
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
    const answer = await shop.confirm(token, order, await shop.checkout(order, CARD.timesOut));
    expect([200, 503]).toContain(answer.status);
    await eventually(async () => (await shop.order(token, order.id)).status === "paid", 30_000);
    expect(await shop.stock(admin, sku)).toEqual({ available: 0, reserved: 0, sold: 1 });
  });

  it("charges once for two confirms at once, and for a confirm that comes again", async () => {
    const { sku } = await shop.newProduct(admin, 1);
    const { accessToken: token } = await shop.register();
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
    const paymentKey = await shop.checkout(order);
    const both = await Promise.all([shop.confirm(token, order, paymentKey), shop.confirm(token, order, paymentKey)]);
    expect(both.map((answer) => answer.status)).toEqual([200, 200]);
    expect((await shop.confirm(token, order, paymentKey)).status).toBe(200);
    const payment = await shop.call<{ amount: object; refunded: { amount: number } }>(
      "GET",
      `/payments/${order.payment.id}`,
      { token },
    );
    expect(expectStatus(payment, 200)).toMatchObject({ status: "paid", amount: order.totals.total });
    const another = await shop.confirm(token, order, await shop.checkout(order));
    expect([another.status, another.body.code]).toEqual([409, "ORDER_NOT_PAYABLE"]);
  });

  it("makes one order of twenty requests with one Idempotency-Key", async () => {
    const { sku } = await shop.newProduct(admin, 50);
    const { accessToken: token } = await shop.register();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => shop.place(token, [{ sku, quantity: 1 }], key)));
    const made = answers.filter((answer) => answer.status === 201);
    expect(new Set(made.map((answer) => answer.body.id)).size).toBe(1);
    const others = answers.filter((answer) => answer.status !== 201);
    expect(others.every((answer) => answer.body.code === "IDEMPOTENCY_IN_PROGRESS")).toBe(true);
    const mine = await shop.call<{ items: Order[] }>("GET", "/orders", { token });
    expect(expectStatus(mine, 200).items).toHaveLength(1);
    expect(await shop.stock(admin, sku)).toEqual({ available: 49, reserved: 1, sold: 0 });
  });

  it("sells the last 50 units to exactly 50 of 120 buyers", async () => {
    const { sku } = await shop.newProduct(admin, 50);
    const buyers = await Promise.all(Array.from({ length: 12 }, () => shop.register()));
    const tokens = Array.from({ length: 120 }, (_, i) => buyers[i % buyers.length]?.accessToken ?? "");
    const answers = await Promise.all(tokens.map((token) => shop.place(token, [{ sku, quantity: 1 }])));
    const refused = answers.filter((answer) => answer.status === 409);
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(50);
    expect(refused).toHaveLength(70);
    expect(refused[0]?.body).toMatchObject({ code: "INSUFFICIENT_STOCK", errors: [{ sku }] });
    expect(await shop.stock(admin, sku)).toEqual({ available: 0, reserved: 50, sold: 0 });
  }, 60_000);

  it("shows nobody another customer's order, payment or address", async () => {
    const { order } = await paidOrder();
    const { accessToken: other } = await shop.register();
    const reached = await Promise.all([
      shop.call("GET", `/orders/${order.id}`, { token: other }),
      shop.call("GET", `/payments/${order.payment.id}`, { token: other }),
      shop.call("POST", `/orders/${order.id}/cancel`, { token: other, body: { reason: "mine?" } }),
      shop.confirm(other, order, "key"),
    ]);
    expect(reached.map((answer) => answer.status)).toEqual([404, 404, 404, 404]);
    const { accessToken: owner } = await shop.register();
    const made = await shop.call<{ id: string }>("POST", "/users/me/addresses", { token: owner, body: ADDRESS });
    const id = expectStatus(made, 201).id;
    const foreign = await Promise.all([
      shop.call("PATCH", `/users/me/addresses/${id}`, { token: other, body: { line1: "x" } }),
      shop.call("DELETE", `/users/me/addresses/${id}`, { token: other }),
      shop.call("POST", "/orders", {
        token: other,
        key: randomUUID(),
        body: { items: [{ sku: order.items[0]?.sku, quantity: 1 }], addressId: id },
      }),
    ]);
    expect(foreign.map((answer) => answer.status)).toEqual([404, 404, 404]);
  });

  it.each([
    "/product/reserve",
    "/product.reserve",
    "/payment/confirm",
    "/order/paymentChanged",
    "/auth/endSessions",
    "/user/create",
    "/$node/services",
    "/~node/services",
    "/api/rest",
  ])("publishes nothing that was not declared: %s", async (path) => {
    const answers = await Promise.all(["GET", "POST"].map((method) => shop.call(method, path, { token: admin })));
    expect(answers.map((answer) => answer.status)).toEqual([404, 404]);
  });
}
