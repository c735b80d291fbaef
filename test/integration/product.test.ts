import { won } from "../../lib/money";
import type { CategoryView } from "../../services/product/product.schema";
import productService from "../../services/product/product.service";
import { startNode, type TestNode } from "./node";
import { ADMIN, aProduct, create, list, type View } from "./product.parts";

let node: TestNode;
beforeAll(async () => {
  node = await startNode([productService]);
});
afterAll(() => node.stop());

const get = (id: string) => node.as<View>({}, "product.get", { id });
const refused = (code: number, type: string) => expect.objectContaining({ code, type });

describe("making a product", () => {
  test("answers it with its stock, and everybody finds it by id and by slug", async () => {
    const made = await create(node, {
      ...aProduct(7),
      name: "Blue Teapot",
      description: "d",
      images: ["https://x/y.png"],
    });
    expect(made).toMatchObject({
      slug: "blue-teapot",
      name: "Blue Teapot",
      description: "d",
      category: "things",
      images: ["https://x/y.png"],
      status: "active",
    });
    expect(made.variants).toEqual([{ sku: expect.any(String), name: "One", price: won(1000), available: 7 }]);
    expect(Object.keys(made).sort()).toEqual(
      ["category", "createdAt", "description", "id", "images", "name", "slug", "status", "variants"].sort(),
    );
    expect(await get(made.id)).toEqual(made);
    expect(await get("blue-teapot")).toEqual(made);
  });

  test("409 SKU_TAKEN names the SKU, and gives back the others that it had claimed", async () => {
    const first = aProduct();
    await create(node, first);
    const [taken] = first.variants;
    const [free] = aProduct().variants;
    const attempt = create(node, { ...aProduct(), variants: [free, taken] });
    await expect(attempt).rejects.toMatchObject({
      code: 409,
      type: "SKU_TAKEN",
      data: { errors: [{ path: "variants.1.sku", sku: taken?.sku }] },
    });
    await create(node, { ...aProduct(), variants: [free] });
  });

  test("of many that race for one SKU one gets it", async () => {
    const { variants } = aProduct();
    const race = Array.from({ length: 10 }, () => create(node, { ...aProduct(), variants }));
    const settled = await Promise.allSettled(race);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of settled)
      if (result.status === "rejected") expect(result.reason).toEqual(refused(409, "SKU_TAKEN"));
  });

  test("409 SLUG_TAKEN for a slug that was asked for; one made of the name gives way; the SKU stays free", async () => {
    const first = await create(node, { ...aProduct(), name: "Same Name" });
    const second = aProduct();
    await expect(create(node, { ...second, slug: first.slug })).rejects.toEqual(refused(409, "SLUG_TAKEN"));
    const made = await create(node, { ...second, name: "Same Name" });
    expect(made.slug).toMatch(/^same-name-.+/);
  });

  test("422 for an unknown field, a SKU twice, no variant, another currency, and says where", async () => {
    const one = aProduct();
    const cases: [object, string][] = [
      [{ ...one, colour: "red" }, "colour"],
      [{ ...one, variants: [...one.variants, ...one.variants] }, "variants.1.sku"],
      [{ ...one, variants: [] }, "variants"],
      [
        { ...one, variants: [{ sku: "X-1", name: "n", price: { amount: 1, currency: "USD" } }] },
        "variants.0.price.currency",
      ],
      [{ ...one, variants: [{ sku: "X-1", name: "n", price: won(-1) }] }, "variants.0.price.amount"],
      [{ ...one, images: ["javascript:alert(1)"] }, "images.0"],
      [{ ...one, name: undefined }, "name"],
    ];
    for (const [body, path] of cases)
      await expect(create(node, body)).rejects.toMatchObject({
        code: 422,
        type: "VALIDATION",
        data: { errors: expect.arrayContaining([expect.objectContaining({ path })]) },
      });
    await create(node, one);
  });

  test("the same Idempotency-Key makes one product", async () => {
    const body = aProduct();
    const keyed = () => node.as<View>({ ...ADMIN, idempotencyKey: "create-1" }, "product.create", body);
    const first = await keyed();
    expect(await keyed()).toEqual(first);
  });
});

describe("changing a product", () => {
  test("changes what is named, at once for everybody", async () => {
    const made = await create(node, aProduct(3));
    await list(node);
    const changed = await node.as<View>(ADMIN, "product.update", { id: made.id, name: "Renamed", slug: "renamed" });
    expect(changed).toEqual({ ...made, name: "Renamed", slug: "renamed" });
    expect(await get("renamed")).toEqual(changed);
    expect((await list(node)).items[0]?.name).toBe("Renamed");
    await expect(get(made.slug)).rejects.toEqual(refused(404, "PRODUCT_NOT_FOUND"));
  });

  test("a price that changed is what is quoted; a SKU that is left out is not quoted and stays the product's", async () => {
    const made = await create(node, aProduct(3));
    const [old] = made.variants;
    const [fresh] = aProduct(4).variants;
    await node.as(ADMIN, "product.update", { id: made.id, variants: [{ ...fresh, price: won(50) }] });
    const skus = [old?.sku ?? "", fresh?.sku ?? ""];
    const { items } = await node.call("product.quote", { skus });
    expect(items).toEqual([{ sku: fresh?.sku, productId: made.id, name: made.name, unitPrice: won(50), available: 4 }]);
    await expect(
      create(node, { ...aProduct(), variants: [{ sku: old?.sku, name: "n", price: won(1) }] }),
    ).rejects.toEqual(refused(409, "SKU_TAKEN"));
    await node.as(ADMIN, "product.update", { id: made.id, variants: [{ sku: old?.sku, name: "n", price: won(1) }] });
    expect((await node.call("product.quote", { skus })).items).toMatchObject([{ sku: old?.sku, available: 3 }]);
  });

  test("404, 409 and 422 as for making one, and nothing is changed then", async () => {
    const one = await create(node, aProduct());
    const other = await create(node, aProduct());
    const update = (params: object) => node.as<View>(ADMIN, "product.update", params);
    await expect(update({ id: "nobody", name: "x" })).rejects.toEqual(refused(404, "PRODUCT_NOT_FOUND"));
    await expect(update({ id: one.id, slug: other.slug })).rejects.toEqual(refused(409, "SLUG_TAKEN"));
    const { sku = "", name = "" } = other.variants[0] ?? {};
    const variants = [{ sku, name, price: won(1) }];
    await expect(update({ id: one.id, variants })).rejects.toEqual(refused(409, "SKU_TAKEN"));
    await expect(update({ id: one.id, sold: 5 })).rejects.toEqual(refused(422, "VALIDATION"));
    expect(await get(one.id)).toEqual(one);
  });

  test("racing changes of different fields are all there afterwards", async () => {
    const { id } = await create(node, aProduct());
    const changes = [{ name: "Raced" }, { description: "raced" }, { images: ["/r.png"] }, { slug: "raced" }];
    await Promise.all(changes.map((change) => node.as(ADMIN, "product.update", { id, ...change })));
    expect(await get(id)).toMatchObject(Object.assign({}, ...changes));
  });

  test("an archived product leaves lists, counts and quotes; its page stays, and archiving again is fine", async () => {
    const category = "goners";
    const made = await create(node, aProduct(5, { category }));
    const skus = made.variants.map(({ sku }) => sku);
    const count = async () => {
      const { items } = await node.as<{ items: CategoryView[] }>({}, "product.categories");
      return items.find(({ slug }) => slug === category)?.productCount;
    };
    expect(await count()).toBe(1);
    for (let i = 0; i < 2; i++) await node.as(ADMIN, "product.archive", { id: made.id });
    expect((await list(node, { category })).items).toEqual([]);
    expect(await count()).toBe(0);
    expect((await node.call("product.quote", { skus })).items).toEqual([]);
    expect(await get(made.id)).toEqual({ ...made, status: "archived" });
    await expect(node.as(ADMIN, "product.archive", { id: "nobody" })).rejects.toEqual(
      refused(404, "PRODUCT_NOT_FOUND"),
    );
  });
});

test("an entity tag changes with the product and with its stock, and with nothing else", async () => {
  const made = await create(node, aProduct(5));
  const tag = async () => {
    const meta: { $responseHeaders?: Record<string, string> } = {};
    await node.broker.call("product.get", { id: made.slug }, { meta });
    return meta.$responseHeaders?.ETag;
  };
  const first = await tag();
  expect(first).toMatch(/^"[\w-]{20,}"$/);
  await create(node, aProduct());
  expect(await tag()).toBe(first);
  const [variant] = made.variants;
  await node.as(ADMIN, "product.adjust", { sku: variant?.sku, delta: -1, reason: "broken" });
  const second = await tag();
  expect(second).not.toBe(first);
  await node.as(ADMIN, "product.update", { id: made.id, name: "Other" });
  expect(await tag()).not.toBe(second);
});

test("404 for a product that is not there", async () => {
  await expect(get("nobody")).rejects.toEqual(refused(404, "PRODUCT_NOT_FOUND"));
});
