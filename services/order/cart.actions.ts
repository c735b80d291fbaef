import type { ActionSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { conflict, notFound } from "../../lib/errors";
import { Strict } from "../../lib/schema";
import type { CartStore } from "./cart.store";
import type { OrderSettings } from "./order.config";
import { CartView, Quantity, Sku } from "./order.schema";
import { cartView } from "./placing";

const MAX_LINES = 50;

/** A customer's cart: what it holds is decided here, what it costs by the catalogue at the moment of looking. */
export function cartActions(carts: CartStore, settings: OrderSettings): Record<string, ActionSchema> {
  return {
    cart: action({
      rest: "GET /cart",
      access: ["customer"],
      summary: "The cart with today's names and prices",
      retryable: true,
      params: Strict({}),
      returns: CartView,
      handler: async (ctx) => cartView(callOf(ctx), await carts.get(callerOf(ctx).id), settings.shippingFee),
    }),

    putCartItem: action({
      rest: "PUT /cart/items/:sku",
      access: ["customer"],
      summary: "Sets the quantity of a SKU in the cart",
      params: Strict({ sku: Sku, quantity: Quantity }),
      returns: CartView,
      errors: [
        [404, "SKU_NOT_FOUND"],
        [409, "CART_FULL"],
      ],
      async handler(ctx) {
        const { sku, quantity } = ctx.params;
        const { id } = callerOf(ctx);
        const { items } = await ctx.call("product.quote", { skus: [sku] });
        if (items.length === 0) throw notFound("SKU_NOT_FOUND", "There is no such SKU for sale.");
        const { lines } = await carts.get(id);
        const isNew = !Object.values(lines).some((line) => line.sku === sku);
        if (isNew && Object.keys(lines).length >= MAX_LINES)
          throw conflict("CART_FULL", `A cart holds ${MAX_LINES} different SKUs at most.`);
        return cartView(callOf(ctx), await carts.put(id, sku, quantity), settings.shippingFee);
      },
    }),

    removeCartItem: action({
      rest: "DELETE /cart/items/:sku",
      access: ["customer"],
      summary: "Takes a SKU out of the cart",
      params: Strict({ sku: Sku }),
      returns: CartView,
      async handler(ctx) {
        const { id } = callerOf(ctx);
        await carts.removeLine(id, ctx.params.sku);
        return cartView(callOf(ctx), await carts.get(id), settings.shippingFee);
      },
    }),

    clearCart: action({
      rest: "DELETE /cart",
      access: ["customer"],
      summary: "Empties the cart",
      params: Strict({}),
      returns: CartView,
      async handler(ctx) {
        const { id } = callerOf(ctx);
        await carts.clear(id);
        return cartView(callOf(ctx), await carts.get(id), settings.shippingFee);
      },
    }),
  };
}
