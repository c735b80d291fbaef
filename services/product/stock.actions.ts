import type { ActionSchema } from "moleculer";
import { action } from "../../lib/actions";
import { Nothing } from "../../lib/schema";
import { lineName } from "./product";
import type { Quote } from "./product.contract";
import { HoldParams, QuoteParams, Quotes, SettleParams } from "./product.schema";
import type { CatalogueStore } from "./product.store";
import type { StockStore } from "./stock.store";

/** What the order process asks. Each may be asked again when the answer got lost. */
export function stockActions(catalogue: CatalogueStore, stock: StockStore): Record<string, ActionSchema> {
  async function quote(skus: string[]): Promise<Quote[]> {
    const levels = await stock.levels(skus);
    const products = await catalogue.orderable(levels.map((level) => level.productId));
    return levels.flatMap(({ _id: sku, productId, available }) => {
      const product = products.find((one) => one._id === productId);
      const variant = product?.variants.find((one) => one.sku === sku);
      if (!product || !variant) return [];
      return [{ sku, productId, name: lineName(product, variant), unitPrice: variant.price, available }];
    });
  }

  return {
    quote: action({
      params: QuoteParams,
      returns: Quotes,
      retryable: true,
      handler: async (ctx) => ({ items: await quote(ctx.params.skus) }),
    }),

    reserve: action({
      params: HoldParams,
      returns: Nothing,
      retryable: true,
      async handler(ctx) {
        await stock.reserve(ctx.params.orderId, ctx.params.expiresAt, ctx.params.items);
        return null;
      },
    }),

    extend: action({
      params: HoldParams,
      returns: Nothing,
      retryable: true,
      async handler(ctx) {
        await stock.extend(ctx.params.orderId, ctx.params.expiresAt, ctx.params.items);
        return null;
      },
    }),

    commit: action({
      params: SettleParams,
      returns: Nothing,
      retryable: true,
      async handler(ctx) {
        await stock.commit(ctx.params.orderId, ctx.params.items);
        return null;
      },
    }),

    release: action({
      params: SettleParams,
      returns: Nothing,
      retryable: true,
      async handler(ctx) {
        await stock.release(ctx.params.orderId, ctx.params.items);
        return null;
      },
    }),

    return: action({
      params: SettleParams,
      returns: Nothing,
      retryable: true,
      async handler(ctx) {
        await stock.giveBack(ctx.params.orderId, ctx.params.items);
        return null;
      },
    }),
  };
}
