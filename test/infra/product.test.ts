import { setTimeout } from "node:timers/promises";
import { createConnection } from "mongoose";
import { errorType } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { demoProducts } from "../../services/product/demo";
import productService from "../../services/product/product.service";
import { eventually, startNode, type TestNode } from "../integration/node";
import { ADMIN, aProduct, create, inMinutes, inventory, list, stocked, type View } from "../integration/product.parts";
import { withServers } from "./servers";

const availableAt = async (node: TestNode, slug: string) =>
  (await node.as<View>({}, "product.get", { id: slug })).variants[0]?.available;
const nameAt = async (node: TestNode) => (await list(node, { limit: 1 })).items[0]?.name;

withServers(["mongo", "nats", "redis"], "two nodes that host product", (env) => {
  let a: TestNode;
  let b: TestNode;
  beforeAll(async () => {
    [a, b] = await Promise.all([startNode([productService], env), startNode([productService], env)]);
    // Each has to know the other before a broadcast reaches it.
    for (const [node, other] of [
      [a, b],
      [b, a],
    ] as const)
      await eventually(() =>
        node.broker.registry.nodes.toArray().some((one) => one.id === other.broker.nodeID && one.available),
      );
  }, 60_000);
  afterAll(() => Promise.all([a.stop(), b.stop()]));

  test("120 buyers race for 50 units on both: 50 get one", async () => {
    const sku = await stocked(a, 50);
    const settled = await Promise.allSettled(
      Array.from({ length: 120 }, (_, i) =>
        (i % 2 ? a : b).call("product.reserve", {
          orderId: newId(),
          expiresAt: inMinutes(15),
          items: [{ sku, quantity: 1 }],
        }),
      ),
    );
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
    for (const result of settled)
      if (result.status === "rejected") expect(errorType(result.reason)).toBe("INSUFFICIENT_STOCK");
    expect(await inventory(b, sku)).toEqual({ sku, available: 0, reserved: 50, sold: 0 });
  });

  test("what is changed on one is seen on the other at once", async () => {
    const made = await create(a, aProduct(5));
    const [variant] = made.variants;
    await eventually(async () => (await nameAt(b)) === made.name, 900);
    for (let i = 0; i < 3; i++) {
      await a.as(ADMIN, "product.update", { id: made.id, name: `Renamed ${i}` });
      await eventually(async () => (await nameAt(b)) === `Renamed ${i}`, 900);
      expect(await availableAt(b, made.slug)).toBe(5 - i);
      await a.as(ADMIN, "product.adjust", { sku: variant?.sku, delta: -1, reason: "sold" });
      await eventually(async () => (await availableAt(b, made.slug)) === 4 - i, 1500);
    }
  });

  test("of many on both that race for one SKU one gets it", async () => {
    const { variants } = aProduct();
    const race = Array.from({ length: 12 }, (_, i) => create(i % 2 ? a : b, { ...aProduct(), variants }));
    const settled = await Promise.allSettled(race);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("a reservation that lapsed is released once, whichever node sees it", async () => {
    const sku = await stocked(a, 5);
    const order = { orderId: newId(), items: [{ sku, quantity: 3 }] };
    await a.call("product.reserve", { ...order, expiresAt: new Date(Date.now() + 200).toISOString() });
    await eventually(async () => (await inventory(b, sku)).reserved === 0, 5000);
    await setTimeout(1200);
    expect(await inventory(b, sku)).toEqual({ sku, available: 5, reserved: 0, sold: 0 });
  });
});

withServers(["mongo"], "two nodes whose broadcasts are lost", ({ MONGO_URL = "" }) => {
  let a: TestNode;
  let b: TestNode;
  beforeAll(async () => {
    // Without NATS neither hears of the other; only the store is common.
    [a, b] = (await Promise.all([1, 2].map(() => startNode([productService], { MONGO_URL })))) as [TestNode, TestNode];
  });
  afterAll(() => Promise.all([a.stop(), b.stop()]));

  test("what is changed on one is seen on the other within seconds", async () => {
    const made = await create(a, aProduct(5));
    await eventually(async () => (await nameAt(b)) === made.name, 3000);
    await a.as(ADMIN, "product.update", { id: made.id, name: "Renamed" });
    await a.as(ADMIN, "product.adjust", { sku: made.variants[0]?.sku, delta: 4, reason: "found" });
    expect(await nameAt(a)).toBe("Renamed");
    expect(await availableAt(a, made.slug)).toBe(9);
    await eventually(async () => (await nameAt(b)) === "Renamed", 3000);
    await eventually(async () => (await availableAt(b, made.slug)) === 9, 3000);
  });
});

withServers(["mongo"], "demo products", ({ MONGO_URL = "" }) => {
  test("are there once when two nodes start at once on an empty store, and what a node left half done is completed", async () => {
    const env = { MONGO_URL, DEMO_DATA: "on" };
    const start = () => startNode([productService], env);
    const count = async (node: TestNode) => {
      const { items } = await node.as<{ items: { productCount: number }[] }>({}, "product.categories");
      return items.map(({ productCount }) => productCount);
    };
    const [a, b] = await Promise.all([start(), start()]);
    expect(await count(a)).toEqual(Array(8).fill(25));
    const [first] = demoProducts();
    const before = await a.as<View>({}, "product.get", { id: first?.slug });
    expect(await b.as<View>({}, "product.get", { id: first?.slug })).toEqual(before);
    await Promise.all([a.stop(), b.stop()]);

    const connection = await createConnection(MONGO_URL).asPromise();
    await connection.collection("product_products").deleteMany({ category: "food" });
    await connection
      .collection<{ _id: string }>("product_state")
      .updateOne({ _id: "catalogue" }, { $set: { demo: "begun" } });
    await connection.close();
    const c = await start();
    expect(await count(c)).toEqual(Array(8).fill(25));
    await c.stop();
  }, 60_000);
});
