import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { newId } from "../../lib/ids";
import { NedbStore } from "../../lib/store/nedb";
import productService from "../../services/product/product.service";
import { catalogueStore } from "../../services/product/product.store";
import { publishing } from "../../services/product/publishing";
import { stockStore } from "../../services/product/stock.store";
import { eventually, startNode, type TestNode } from "./node";
import { ADMIN, aProduct, create, inMinutes, list, type View, watched } from "./product.parts";

describe("what is read again and again", () => {
  let node: TestNode;
  let reads = 0;
  let gate: Promise<void> | undefined;
  beforeAll(async () => {
    const watch = async (collection: string, operation: string) => {
      if (
        !["products", "stock", "categories"].includes(collection) ||
        !["find", "get", "findOne", "count"].includes(operation)
      )
        return;
      reads++;
      if (collection === "products" && operation === "find") await gate;
    };
    node = await startNode([watched(watch)]);
    for (let i = 0; i < 25; i++) await create(node, aProduct(5));
  });
  afterAll(() => node.stop());

  test("comes without asking the store", async () => {
    const read = () =>
      Promise.all([list(node), list(node, { sort: "name", q: "thing" }), node.as({}, "product.categories")]);
    const first = await read();
    const before = reads;
    for (let i = 0; i < 50; i++) expect(await read()).toEqual(first);
    // A sweeper may look for what is due meanwhile.
    expect(reads - before).toBeLessThanOrEqual(4);
  });

  test("shows a reservation and its release at once", async () => {
    const made = await create(node, aProduct(5));
    const sku = made.variants[0]?.sku ?? "";
    const shown = async () => {
      const inList = (await list(node)).items.find(({ id }) => id === made.id)?.variants[0]?.available;
      const detail = await node.as<View>({}, "product.get", { id: made.slug });
      expect(detail.variants[0]?.available).toBe(inList);
      return inList;
    };
    expect(await shown()).toBe(5);
    const order = { orderId: newId(), items: [{ sku, quantity: 2 }] };
    await node.call("product.reserve", { ...order, expiresAt: inMinutes(5) });
    expect(await shown()).toBe(3);
    await node.call("product.release", order);
    expect(await shown()).toBe(5);
  });

  test("a read that began before a write does not stay for those who ask after it", async () => {
    const made = await create(node, aProduct(5, { category: "gated" }));
    let open: () => void = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = list(node, { category: "gated" });
    await setTimeout(20);
    await node.as(ADMIN, "product.update", { id: made.id, name: "After the write" });
    const late = list(node, { category: "gated" });
    open();
    gate = undefined;
    await early;
    expect((await late).items[0]?.name).toBe("After the write");
    expect((await list(node, { category: "gated" })).items[0]?.name).toBe("After the write");
  });

  test("another search does not get this one's page, however its text looks", async () => {
    const tricky = ['thing","x', "thing|x", "thing\u0000"];
    for (const q of tricky) await list(node, { q });
    expect((await list(node, { q: "thing" })).items).toHaveLength(20);
    expect((await list(node, { q: "thing|zzz" })).items).toHaveLength(0);
  });
});

test("a list that could not be read is read again", async () => {
  let failing = false;
  const node = await startNode([
    watched((collection) => {
      if (failing && collection === "products") throw new Error("away");
    }),
  ]);
  await create(node, aProduct(5));
  failing = true;
  await expect(list(node)).rejects.toThrow("away");
  failing = false;
  expect((await list(node)).items).toHaveLength(1);
  await node.stop();
});

test("a price is found again after a restart, demo products only where nothing was", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-"));
  const start = () => startNode([productService], { DATA_DIR: dataDir, DEMO_DATA: "on" });
  const first = await start();
  expect(await list(first, { limit: 100 })).toMatchObject({ nextCursor: expect.any(String) });
  const found = await list(first, { q: "이어폰" });
  expect(found.items.map(({ slug }) => slug)).toEqual(["wireless-earbuds-pro"]);
  await first.as(ADMIN, "product.archive", { id: found.items[0]?.id });
  await first.stop();
  const again = await start();
  expect((await list(again, { q: "이어폰" })).items).toEqual([]);
  await again.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

describe("what a node that died left", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "shop-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const parts = async () => {
    const store = new NedbStore(folder);
    const catalogue = catalogueStore(store);
    const stock = stockStore(store, () => {});
    const collections = [...catalogue.collections, ...stock.collections];
    for (const collection of collections) await collection.open();
    const told: number[] = [];
    const products = publishing(catalogue, stock, 1000, ({ generation }) => told.push(generation));
    const close = async () => {
      for (const collection of collections) await collection.close();
    };
    return { catalogue, stock, products, told, close };
  };
  const params = { description: "", images: [], ...aProduct(5) };
  const [variant] = params.variants;
  const sku = variant?.sku ?? "";

  test("a SKU that was claimed for a product that never came is free again", async () => {
    const { catalogue, stock, products, close } = await parts();
    const dies = { ...catalogue, add: () => Promise.reject(new Error("killed")) };
    const neverRemoves = { remove: () => Promise.reject(new Error("killed")) };
    const dead = { ...stock, stock: Object.assign(Object.create(stock.stock), neverRemoves) };
    await expect(publishing(dies, dead, 1000, () => {}).create("p1", params)).rejects.toThrow("killed");
    const claim = await stock.stock.get(sku);
    if (!claim) throw new Error("claimed");
    expect(claim).toMatchObject({ claimed: true, due: expect.any(String) });
    await expect(products.create("p2", params)).rejects.toMatchObject({ type: "SKU_TAKEN" });
    expect(await products.settleClaim(claim)).toBe(true);
    await products.create("p2", params);
    expect(await stock.stock.get(sku)).toMatchObject({ productId: "p2", available: 5 });
    await close();
  });

  test("a claim whose product came is confirmed, not given up", async () => {
    const { catalogue, stock, products, close } = await parts();
    await products.create("p1", params);
    const claimed = await stock.stock.update({ _id: sku }, { $set: { claimed: true } });
    if (!claimed) throw new Error("there");
    expect(await products.settleClaim(claimed)).toBe(false);
    expect(await stock.stock.get(sku)).not.toHaveProperty("claimed");
    expect(await catalogue.find("p1")).toMatchObject({ id: "p1" });
    await close();
  });

  test("a product that the same operation made already is answered, and told of once more", async () => {
    const { products, told, close } = await parts();
    const made = await products.create("p1", params);
    expect(await products.create("p1", params)).toMatchObject({ _id: "p1", slug: made.slug });
    expect(told.length).toBe(2);
    await close();
  });

  test("a change that was written and not told of is told of by the sweeper", async () => {
    let lost = false;
    const node = await startNode(
      [
        watched((collection, operation) => {
          if (lost && collection === "state" && operation === "update") throw new Error("killed");
        }),
      ],
      { LEASE_MS: "300" },
    );
    const made = await create(node, aProduct(5));
    await list(node);
    lost = true;
    await expect(node.as(ADMIN, "product.update", { id: made.id, name: "Untold" })).rejects.toThrow("killed");
    expect((await list(node)).items[0]?.name).toBe(made.name);
    lost = false;
    await eventually(async () => (await list(node)).items[0]?.name === "Untold", 5000);
    await node.stop();
  });
});
