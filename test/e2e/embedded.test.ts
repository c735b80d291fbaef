import type { ShopNode } from "../../lib/infra/nodes";
import { entryCommand } from "../../lib/infra/processes";
import { journey } from "./journey";
import { newPlace, type Place } from "./node";
import type { Shop } from "./shop";

let place: Place;
let node: ShopNode;
beforeAll(async () => {
  // As `npm start` does.
  place = await newPlace({ command: entryCommand("start") });
  node = await place.start({ LEASE_MS: "1000" });
});
afterAll(async () => {
  await node.stop();
  place.remove();
});

describe("one process, nothing but Node", () => {
  journey(() => place.shop as Shop);

  it("has the demo data", async () => {
    const categories = await place.shop.call<{ items: { productCount: number }[] }>("GET", "/categories");
    expect(categories.body.items).toHaveLength(8);
    const all = new Set<string>();
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: { items: { id: string }[]; nextCursor: string | null } = (
        await place.shop.call<never>("GET", `/products?limit=100${cursor && `&cursor=${cursor}`}`)
      ).body;
      for (const { id } of page.items) all.add(id);
      cursor = page.nextCursor;
    }
    expect(all.size).toBeGreaterThanOrEqual(200);
  });
});
