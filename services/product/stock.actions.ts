import type { ActionSchema } from "moleculer";
import { action } from "../../lib/actions";
import { errorType } from "../../lib/errors";
import { Nothing, type Static, type TSchema } from "../../lib/schema";
import { lineName } from "./product";
import type { Quote } from "./product.contract";
import { HoldParams, QuoteParams, Quotes, SettleParams } from "./product.schema";
import type { CatalogueStore } from "./product.store";
import type { StockStore } from "./stock.store";

/** An action that answers nothing but that it is done, and may be asked again when that got lost. */
const done = <P extends TSchema>(params: P, work: (params: Static<P>) => Promise<void>): ActionSchema =>
  action({
    params,
    returns: Nothing,
    retryable: true,
    async handler(ctx) {
      await work(ctx.params);
      return null;
    },
  });

const REASONS: Partial<Record<string, string>> = {
  INSUFFICIENT_STOCK: "insufficient",
  RESERVATION_EXPIRED: "expired",
  STOCK_RETURNED: "returned",
};

/**
 * What the order process asks. Each may be asked again when the answer got lost. `rejected` is told why an order could not
 * have its stock.
 */
export function stockActions(
  catalogue: CatalogueStore,
  stock: StockStore,
  rejected: (reason: string) => void,
): Record<string, ActionSchema> {
  /** Resolves with the work; a refusal is counted. */
  async function counted(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const reason = REASONS[errorType(error) ?? ""];
      if (reason) rejected(reason);
      throw error;
    }
  }

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

    reserve: done(HoldParams, ({ orderId, expiresAt, items }) => counted(stock.reserve(orderId, expiresAt, items))),
    extend: done(HoldParams, ({ orderId, expiresAt, items }) => stock.extend(orderId, expiresAt, items)),
    commit: done(SettleParams, ({ orderId, items }) => counted(stock.commit(orderId, items))),
    release: done(SettleParams, ({ orderId, items }) => stock.release(orderId, items)),
    return: done(SettleParams, ({ orderId, items }) => stock.giveBack(orderId, items)),
  };
}
