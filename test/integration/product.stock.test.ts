import { errorType } from "../../lib/errors";
import { newId } from "../../lib/ids";
import productService from "../../services/product/product.service";
import { eventually, startNode, type TestNode } from "./node";
import { ADMIN, aProduct, create, inMinutes, inventory, list, stocked, watched } from "./product.parts";

let node: TestNode;
beforeAll(async () => {
  node = await startNode([productService]);
});
afterAll(() => node.stop());

const one = (sku: string, quantity = 1) => [{ sku, quantity }];
const reserve = (sku: string, quantity = 1, orderId = newId(), minutes = 15) =>
  node.call("product.reserve", { orderId, expiresAt: inMinutes(minutes), items: one(sku, quantity) });
const refused = (type: string) => expect.objectContaining({ code: 409, type });

describe("stock of an order", () => {
  test("is reserved, sold and given back, once however often it is asked", async () => {
    const sku = await stocked(node, 10);
    const order = { orderId: newId(), items: one(sku, 3) };
    const expiresAt = inMinutes(15);
    for (let i = 0; i < 3; i++) await node.call("product.reserve", { ...order, expiresAt });
    expect(await inventory(node, sku)).toEqual({ sku, available: 7, reserved: 3, sold: 0 });
    for (let i = 0; i < 3; i++) await node.call("product.commit", order);
    expect(await inventory(node, sku)).toEqual({ sku, available: 7, reserved: 0, sold: 3 });
    await node.call("product.reserve", { ...order, expiresAt });
    await expect(node.call("product.release", order)).rejects.toEqual(refused("STOCK_COMMITTED"));
    for (let i = 0; i < 3; i++) await node.call("product.return", order);
    expect(await inventory(node, sku)).toEqual({ sku, available: 10, reserved: 0, sold: 0 });
    await expect(node.call("product.reserve", { ...order, expiresAt })).rejects.toEqual(refused("RESERVATION_EXPIRED"));
    await expect(node.call("product.commit", order)).rejects.toEqual(refused("STOCK_RETURNED"));
  });

  test("is free again when released; a late repetition of the reservation takes none", async () => {
    const sku = await stocked(node, 10);
    const order = { orderId: newId(), items: one(sku, 4) };
    await node.call("product.reserve", { ...order, expiresAt: inMinutes(15) });
    for (let i = 0; i < 2; i++) await node.call("product.release", order);
    await expect(node.call("product.reserve", { ...order, expiresAt: inMinutes(15) })).rejects.toEqual(
      refused("RESERVATION_EXPIRED"),
    );
    expect(await inventory(node, sku)).toEqual({ sku, available: 10, reserved: 0, sold: 0 });
  });

  test.each(["product.release", "product.return"] as const)(
    "a reservation that comes after %s is refused",
    async (end) => {
      const sku = await stocked(node, 10);
      const order = { orderId: newId(), items: one(sku) };
      await node.call(end, order);
      await expect(node.call("product.reserve", { ...order, expiresAt: inMinutes(15) })).rejects.toEqual(
        refused("RESERVATION_EXPIRED"),
      );
      expect(await inventory(node, sku)).toMatchObject({ available: 10, reserved: 0 });
    },
  );

  test("a reservation whose time is past already is refused", async () => {
    const sku = await stocked(node, 10);
    await expect(reserve(sku, 1, newId(), -1)).rejects.toEqual(refused("RESERVATION_EXPIRED"));
    expect(await inventory(node, sku)).toMatchObject({ available: 10, reserved: 0 });
  });

  test("of several lines all are taken or none, and the answer names each that is short", async () => {
    const [plenty, few, none] = [await stocked(node, 10), await stocked(node, 2), await stocked(node, 0)];
    const orderId = newId();
    const items = [...one(plenty, 5), ...one(few, 3), ...one(none), ...one("unknown")];
    const attempt = node.call("product.reserve", { orderId, expiresAt: inMinutes(15), items });
    await expect(attempt).rejects.toMatchObject({
      code: 409,
      type: "INSUFFICIENT_STOCK",
      data: {
        errors: [
          { path: "items.1.sku", sku: few, message: "only 2 left" },
          { path: "items.2.sku", sku: none },
          { path: "items.3.sku", sku: "unknown" },
        ],
      },
    });
    expect(await inventory(node, plenty)).toMatchObject({ available: 10, reserved: 0 });
    expect(await inventory(node, few)).toMatchObject({ available: 2, reserved: 0 });
    // The order may try again with what there is: a shortage is no end.
    await node.call("product.reserve", {
      orderId,
      expiresAt: inMinutes(15),
      items: [...one(plenty, 5), ...one(few, 2)],
    });
    expect(await inventory(node, few)).toMatchObject({ available: 0, reserved: 2 });
  });

  test("a SKU on two lines counts once with the sum", async () => {
    const sku = await stocked(node, 3);
    const items = [...one(sku, 2), ...one(sku, 2)];
    const attempt = node.call("product.reserve", { orderId: newId(), expiresAt: inMinutes(15), items });
    await expect(attempt).rejects.toEqual(refused("INSUFFICIENT_STOCK"));
    await node.call("product.reserve", { orderId: newId(), expiresAt: inMinutes(15), items: items.slice(1) });
    expect(await inventory(node, sku)).toMatchObject({ available: 1, reserved: 2 });
  });

  test("120 buyers race for 50 units: 50 get one", async () => {
    const sku = await stocked(node, 50);
    const settled = await Promise.allSettled(Array.from({ length: 120 }, () => reserve(sku)));
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
    for (const result of settled)
      if (result.status === "rejected") expect(errorType(result.reason)).toBe("INSUFFICIENT_STOCK");
    expect(await inventory(node, sku)).toEqual({ sku, available: 0, reserved: 50, sold: 0 });
  });

  test("two calls of one order that race, one finding a line short, leave all or nothing", async () => {
    for (let round = 0; round < 20; round++) {
      const [a, b] = [await stocked(node, 5), await stocked(node, 1)];
      const holder = { orderId: newId(), items: one(b) };
      await node.call("product.reserve", { ...holder, expiresAt: inMinutes(15) });
      const order = { orderId: newId(), expiresAt: inMinutes(15), items: [...one(a), ...one(b)] };
      const settled = await Promise.allSettled([
        node.call("product.reserve", order),
        node.call("product.release", holder),
        node.call("product.reserve", order),
      ]);
      const held = settled[0]?.status === "fulfilled" || settled[2]?.status === "fulfilled" ? 1 : 0;
      expect(await inventory(node, a)).toMatchObject({ reserved: held });
      expect(await inventory(node, b)).toMatchObject({ reserved: held });
    }
  });
});

describe("a reservation that lapses", () => {
  const lapse = async (sku: string, quantity: number) => {
    const order = { orderId: newId(), items: one(sku, quantity) };
    await node.call("product.reserve", { ...order, expiresAt: new Date(Date.now() + 150).toISOString() });
    expect(await inventory(node, sku)).toMatchObject({ reserved: quantity });
    await eventually(async () => (await inventory(node, sku)).reserved === 0, 3000);
    return order;
  };

  test("is free again by itself, and its commit takes free stock once more", async () => {
    const sku = await stocked(node, 5);
    const order = await lapse(sku, 2);
    expect(await inventory(node, sku)).toMatchObject({ available: 5, reserved: 0, sold: 0 });
    for (let i = 0; i < 2; i++) await node.call("product.commit", order);
    expect(await inventory(node, sku)).toMatchObject({ available: 3, reserved: 0, sold: 2 });
  });

  test("its commit is 409 INSUFFICIENT_STOCK when others took the stock", async () => {
    const sku = await stocked(node, 2);
    const order = await lapse(sku, 2);
    await reserve(sku, 1);
    await expect(node.call("product.commit", order)).rejects.toMatchObject({
      type: "INSUFFICIENT_STOCK",
      data: { errors: [{ path: "items.0.sku", sku }] },
    });
    expect(await inventory(node, sku)).toMatchObject({ available: 1, reserved: 1, sold: 0 });
  });

  test("does not lapse when it was extended; extending what lapsed changes nothing", async () => {
    const sku = await stocked(node, 5);
    const order = { orderId: newId(), items: one(sku, 2) };
    await node.call("product.reserve", { ...order, expiresAt: new Date(Date.now() + 300).toISOString() });
    await node.call("product.extend", { ...order, expiresAt: inMinutes(5) });
    const lapsed = await stocked(node, 5).then((other) => lapse(other, 1));
    expect(await inventory(node, sku)).toMatchObject({ reserved: 2 });
    await node.call("product.extend", { ...lapsed, expiresAt: inMinutes(5) });
    expect(await inventory(node, lapsed.items[0]?.sku ?? "")).toMatchObject({ available: 5, reserved: 0 });
  });
});

describe("adjusting stock", () => {
  const adjust = (sku: string, delta: number, key?: string) =>
    node.as<{ available: number }>({ ...ADMIN, idempotencyKey: key }, "product.adjust", {
      sku,
      delta,
      reason: "count",
    });

  test("puts in and takes out what is free, and shows at once", async () => {
    const sku = await stocked(node, 5);
    await list(node);
    expect(await adjust(sku, 7)).toEqual({ sku, available: 12, reserved: 0, sold: 0 });
    await reserve(sku, 10);
    await expect(adjust(sku, -3)).rejects.toMatchObject({ code: 409, type: "INSUFFICIENT_STOCK" });
    expect(await adjust(sku, -2)).toEqual({ sku, available: 0, reserved: 10, sold: 0 });
    expect((await list(node)).items[0]?.variants[0]).toMatchObject({ sku, available: 0 });
  });

  test("counts once for each Idempotency-Key, and replays its answer", async () => {
    const sku = await stocked(node, 5);
    const first = await adjust(sku, 2, "k1");
    await adjust(sku, 2, "k2");
    expect(await adjust(sku, 2, "k1")).toEqual(first);
    expect(await inventory(node, sku)).toMatchObject({ available: 9 });
  });

  test("404 for an unknown SKU, 422 for nothing, a fraction or too much", async () => {
    await expect(adjust("unknown", 1)).rejects.toMatchObject({ code: 404, type: "SKU_NOT_FOUND" });
    const sku = await stocked(node, 5);
    for (const delta of [0, 1.5, 1_000_001]) await expect(adjust(sku, delta)).rejects.toMatchObject({ code: 422 });
    await expect(node.as(ADMIN, "product.inventory", { sku: "unknown" })).rejects.toMatchObject({ code: 404 });
  });
});

test("an adjustment whose node failed before it could answer is not made twice by the retry", async () => {
  let failing = 0;
  const frail = await startNode(
    [
      watched((collection, operation) => {
        if (collection === "idempotency_keys" && operation === "update" && failing-- > 0) throw new Error("gone");
      }),
    ],
    { LEASE_MS: "200" },
  );
  const { variants } = await create(frail, aProduct(5));
  const sku = variants[0]?.sku ?? "";
  const retry = () =>
    frail.as<{ available: number }>({ ...ADMIN, idempotencyKey: "k" }, "product.adjust", {
      sku,
      delta: 3,
      reason: "r",
    });
  failing = 2;
  await expect(retry()).rejects.toThrow("gone");
  expect(await inventory(frail, sku)).toMatchObject({ available: 8 });
  const answer = await eventually(() => retry().catch(() => undefined), 5000);
  expect(answer).toMatchObject({ available: 8 });
  await frail.stop();
});
