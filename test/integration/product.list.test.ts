import { won } from "../../lib/money";
import productService from "../../services/product/product.service";
import { startNode, type TestNode } from "./node";
import { ADMIN, aProduct, create, list } from "./product.parts";

let node: TestNode;
beforeAll(async () => {
  node = await startNode([productService]);
});
afterAll(() => node.stop());

const refused = (code: number, type: string) => expect.objectContaining({ code, type });
const names = async (params: object) => (await list(node, { limit: 100, ...params })).items.map(({ name }) => name);

describe("listing", () => {
  const category = "listed";
  beforeAll(async () => {
    const some: [string, number, number][] = [
      ["banana", 300, 1],
      ["Apple", 100, 2],
      ["가방", 200, 3],
      ["나무", 200, 4],
      ["cherry", 500, 5],
    ];
    for (const [name, price, stock] of some) {
      const { variants } = aProduct();
      const [variant] = variants;
      const dear = { ...aProduct().variants[0], price: won(9000) };
      await create(node, { name, category, variants: [dear, { ...variant, price: won(price), stock }] });
    }
  });

  test.each([
    ["newest", ["cherry", "나무", "가방", "Apple", "banana"]],
    ["popular", ["cherry", "나무", "가방", "Apple", "banana"]],
    ["price", ["Apple", "가방", "나무", "banana", "cherry"]],
    ["-price", ["cherry", "banana", "나무", "가방", "Apple"]],
    ["name", ["Apple", "banana", "cherry", "가방", "나무"]],
  ])("sorts by %s", async (sort, expected) => {
    expect(await names({ category, sort })).toEqual(expected);
  });

  test("filters by category and words together", async () => {
    expect(await names({ category, maxPrice: 200, q: "나무" })).toEqual(["나무"]);
    expect(await names({ category, maxPrice: 199, q: "나무" })).toEqual([]);
    expect(await names({ category, q: "che" })).toEqual(["cherry"]);
    expect(await names({ category, q: "che 나무" })).toEqual([]);
    expect(await names({ category: "no-such", q: "che" })).toEqual([]);
    expect(await names({ category, q: "" })).toHaveLength(5);
  });

  test("answers nothing to a search without a word", async () => {
    for (const q of ["%", "(", "..."]) expect(await names({ category, q })).toEqual([]);
    expect(await names({ category, q: " " })).toHaveLength(5);
  });

  test("finds by a price range what has variants from below to above it, also after a change", async () => {
    const spanned = "spanned";
    const [one, other] = [1000, 3000].map((price) => ({ sku: `SPAN-${price}`, name: "One", price: won(price) }));
    const { id } = await create(node, { name: "span", category: spanned, variants: [one, other] });
    const found = async (range: object) => (await names({ category: spanned, ...range })).length;
    for (const range of [{ minPrice: 3000 }, { maxPrice: 1000 }, { minPrice: 1500, maxPrice: 2500 }])
      expect(await found(range)).toBe(1);
    for (const range of [{ minPrice: 3001 }, { maxPrice: 999 }]) expect(await found(range)).toBe(0);
    await node.as(ADMIN, "product.update", { id, variants: [one] });
    expect(await found({ minPrice: 1001 })).toBe(0);
    expect(await found({ minPrice: 1000 })).toBe(1);
  });

  test("422 for an unknown sort or filter, a limit out of range, and a cursor that is none or of another sort", async () => {
    const { nextCursor } = await list(node, { category, limit: 2, sort: "price" });
    expect(nextCursor).toEqual(expect.any(String));
    const bad = [{ sort: "random" }, { colour: "red" }, { limit: 0 }, { limit: 101 }, { cursor: "nonsense" }];
    for (const params of [...bad, { cursor: nextCursor, sort: "name" }, { cursor: nextCursor, sort: "-price" }])
      await expect(list(node, params)).rejects.toEqual(refused(422, "VALIDATION"));
  });

  test.each(["newest", "popular", "price", "-price", "name"])(
    "by %s: paging misses and repeats none of what was there, while products are made",
    async (sort) => {
      const paged = `paged-${sort}`;
      const make = (name: string, price: number) =>
        create(node, { name, category: paged, variants: [{ ...aProduct().variants[0], price: won(price) }] });
      const there = new Set<string>();
      for (let i = 0; i < 23; i++) there.add((await make(`n${i % 5}`, (i % 4) * 100)).id);
      const seen: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await list(node, { category: paged, sort, limit: 5, ...(cursor && { cursor }) });
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.nextCursor;
        await make("n0", 0);
        await make("n9", 900);
      } while (cursor);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => there.has(id))).toHaveLength(there.size);
    },
  );
});
