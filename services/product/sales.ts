import { type Fact, readerOf } from "../../lib/events";
import { Type } from "../../lib/schema";
import type { CatalogueStore } from "./product.store";
import type { Announce } from "./publishing";
import type { SalesStore } from "./sales.store";
import type { StockStore } from "./stock.store";

interface Parts {
  catalogue: CatalogueStore;
  stock: StockStore;
  sales: SalesStore;
  announce: Announce;
}

/** What is counted: a topic is open to more publishers than the orders. */
const paidItems = readerOf(
  Type.Object({
    items: Type.Array(Type.Object({ sku: Type.String(), quantity: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }), {
      maxItems: 10_000,
    }),
  }),
);

/** What is bought often comes first in `sort=popular`: counted from what orders tell, then taken over by the catalogue. */
export function popularity({ catalogue, stock, sales, announce }: Parts) {
  return {
    /** Whatever else the topic tells is none of ours. */
    async heard(event: Fact): Promise<void> {
      if (event.type !== "order.paid") return;
      const { items } = paidItems(event);
      const levels = await stock.levels(items.map(({ sku }) => sku));
      const units = new Map<string, number>();
      for (const { sku, quantity } of items) {
        const productId = levels.find(({ _id }) => _id === sku)?.productId;
        if (productId !== undefined) units.set(productId, (units.get(productId) ?? 0) + quantity);
      }
      for (const [productId, quantity] of units) await sales.count(event.id, productId, quantity);
    },

    /** Pages are made anew once for all figures that changed, and not for each sale. */
    async takeOver(): Promise<void> {
      const news = await sales.news();
      if (news.length === 0) return;
      const { products } = catalogue;
      await Promise.all(news.map(({ _id, sold }) => products.update({ _id }, { $max: { sold } }, { fields: [] })));
      announce(await catalogue.moveOn());
      await Promise.all(news.map(sales.told));
    },
  };
}
