import { won } from "../../lib/money";
import { Availability, FRESH_MS } from "../../services/product/availability";
import { Generation } from "../../services/product/catalogue";
import { demoProducts } from "../../services/product/demo";
import { lineName, newProduct, patched, slugify } from "../../services/product/product";

describe("a product", () => {
  const params = {
    name: "Blue Shirt",
    description: "",
    category: "Home & Living",
    images: [],
    variants: [
      { sku: "A", name: "S", price: won(3000) },
      { sku: "B", name: "M", price: won(2000) },
    ],
  };

  test.each([
    ["Blue Shirt!", "blue-shirt"],
    ["  무선 이어폰 (Pro) ", "무선-이어폰-pro"],
    ["!!!", ""],
  ])("the slug of %p is %p", (name, slug) => {
    expect(slugify(name)).toBe(slug);
  });

  test("sorts by its cheapest variant, is filed under a slug, and has an id for a slug when its name gives none", () => {
    expect(newProduct("id1", "2026-01-01T00:00:00.000Z", params)).toMatchObject({
      price: 2000,
      category: "home-living",
      slug: "blue-shirt",
    });
    expect(newProduct("id1", "2026-01-01T00:00:00.000Z", { ...params, name: "!!!" }).slug).toBe("id1");
  });

  test("a patch changes what it names and what follows from it", () => {
    const product = newProduct("id1", "2026-01-01T00:00:00.000Z", params);
    const changed = patched(product, {
      id: "id1",
      name: "파란 셔츠",
      variants: [{ sku: "A", name: "S", price: won(10) }],
    });
    expect(changed).toMatchObject({ name: "파란 셔츠", nameKey: "파란 셔츠", price: 10, slug: "blue-shirt" });
    expect(changed.tokens).toContain("파란");
    expect(changed.tokens).not.toContain("shirt");
  });

  test("a line names the variant where there is a choice", () => {
    const product = newProduct("id1", "2026-01-01T00:00:00.000Z", params);
    const [small, medium] = product.variants;
    if (!small || !medium) throw new Error("two variants");
    expect(lineName(product, medium)).toBe("Blue Shirt M");
    expect(lineName({ ...product, variants: [small] }, small)).toBe("Blue Shirt");
  });
});

describe("the demo catalogue", () => {
  const products = demoProducts();

  test("has 200 products in 8 categories, and no slug or SKU twice", () => {
    expect(products).toHaveLength(200);
    expect(new Set(products.map((product) => product.category)).size).toBe(8);
    expect(new Set(products.map((product) => product.slug)).size).toBe(200);
    const skus = products.flatMap((product) => product.variants.map((variant) => variant.sku));
    expect(new Set(skus).size).toBe(skus.length);
    expect(products.every(({ variants }) => variants.length >= 1 && variants.length <= 3)).toBe(true);
    expect(products.every(({ price }) => Number.isInteger(price) && price > 1000)).toBe(true);
  });

  test("is the same wherever it is made, with ids that sort by time", () => {
    expect(demoProducts()).toEqual(products);
    const ids = products.map((product) => product._id);
    expect([...ids].sort()).toEqual(ids);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  });
});

describe("what a node knows of stock", () => {
  const level = (available: number, version: number) => ({ sku: "A", available, version });

  test("an older level never replaces a newer one, in whatever order they come", () => {
    const availability = new Availability(async () => []);
    availability.note(level(5, 3));
    availability.note(level(9, 2));
    availability.hear(level(8, 1));
    expect(availability.of("A")).toBe(5);
    availability.hear(level(4, 4));
    expect(availability.of("A")).toBe(4);
  });

  test("asks the store in one query for all that is not fresh, and once for what is being asked already", async () => {
    const asked: string[][] = [];
    const availability = new Availability(async (skus) => {
      asked.push(skus);
      return skus.map((sku) => ({ sku, available: 1, version: 1 }));
    });
    availability.note({ sku: "B", available: 2, version: 1 });
    await Promise.all([availability.refresh(["A", "B", "C"]), availability.refresh(["C", "A"])]);
    expect(asked).toEqual([["A", "C"]]);
    await availability.refresh(["A", "B", "C"]);
    expect(asked).toHaveLength(1);
  });

  test("asks again after a while, and what it heard meanwhile stays", async () => {
    const availability = new Availability(async () => {
      availability.hear(level(1, 7));
      return [level(9, 6)];
    });
    availability.note(level(9, 6), Date.now() - FRESH_MS - 1);
    await availability.refresh(["A"]);
    expect(availability.of("A")).toBe(1);
    expect(availability.freshUntil(["A"])).toBeGreaterThan(Date.now());
  });

  test("a SKU that is gone has none", async () => {
    const availability = new Availability(async () => []);
    availability.note(level(9, 6), Date.now() - FRESH_MS - 1);
    await availability.refresh(["A"]);
    expect(availability.of("A")).toBe(0);
  });

  test("only a level that differs makes views old", () => {
    const availability = new Availability(async () => []);
    availability.note(level(5, 3));
    const { epoch } = availability;
    availability.note(level(5, 4));
    expect(availability.epoch).toBe(epoch);
    availability.note(level(4, 5));
    expect(availability.epoch).not.toBe(epoch);
  });
});

test("the catalogue's generation only goes forward, unless the store is another one", () => {
  const generation = new Generation();
  generation.learn({ epoch: "x", generation: 7 });
  generation.learn({ epoch: "x", generation: 6 });
  expect(generation.key).toBe("x.7");
  generation.learn({ epoch: "y", generation: 1 });
  expect(generation.key).toBe("y.1");
});
