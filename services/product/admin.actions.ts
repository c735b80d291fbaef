import type { ActionSchema } from "moleculer";
import { action } from "../../lib/actions";
import { notFound } from "../../lib/errors";
import { Id, Nothing, Strict } from "../../lib/schema";
import { now } from "../../lib/time";
import { operationId } from "../../mixins/idempotency.mixin";
import type { Availability } from "./availability";
import { type Product, skusOf, toEntry, toView } from "./product";
import { AdjustParams, CreateParams, InventoryView, PatchParams, ProductView, Sku } from "./product.schema";
import type { Publishing } from "./publishing";
import type { Counts, StockStore } from "./stock.store";

export const inventoryOf = ({ _id, available, reserved, sold }: Counts): InventoryView => ({
  sku: _id,
  available,
  reserved,
  sold,
});

export const unknownSku = () => notFound("SKU_NOT_FOUND", "There is no such SKU.");

/** What administrators do to catalogue and stock. */
export function adminActions(
  publishing: Publishing,
  stock: StockStore,
  availability: Availability,
): Record<string, ActionSchema> {
  async function viewOf(product: Product): Promise<ProductView> {
    const entry = toEntry(product);
    await availability.refresh(skusOf(entry));
    return toView(entry, (sku) => availability.of(sku));
  }

  return {
    create: action({
      rest: "POST /products",
      access: ["admin"],
      summary: "Put a product into the catalogue",
      params: CreateParams,
      returns: ProductView,
      status: 201,
      errors: [
        [409, "SKU_TAKEN"],
        [409, "SLUG_TAKEN"],
      ],
      idempotency: "optional",
      async handler(ctx) {
        const product = await publishing.create(operationId(ctx), ctx.params);
        ctx.meta.$location = `/api/v1/products/${product._id}`;
        return viewOf(product);
      },
    }),

    update: action({
      rest: "PATCH /products/:id",
      access: ["admin"],
      summary: "Change what is named; variants are replaced as a whole",
      params: PatchParams,
      returns: ProductView,
      errors: [
        [404, "PRODUCT_NOT_FOUND"],
        [409, "SKU_TAKEN"],
        [409, "SLUG_TAKEN"],
      ],
      handler: async (ctx) => viewOf(await publishing.change(ctx.params)),
    }),

    archive: action({
      rest: "DELETE /products/:id",
      access: ["admin"],
      summary: "Take a product out of the catalogue; its page stays for orders that name it",
      params: Strict({ id: Id }),
      returns: Nothing,
      status: 204,
      errors: [[404, "PRODUCT_NOT_FOUND"]],
      async handler(ctx) {
        await publishing.change({ id: ctx.params.id, status: "archived" });
        return null;
      },
    }),

    inventory: action({
      rest: "GET /inventory/:sku",
      access: ["admin"],
      summary: "Stock of a SKU",
      params: Strict({ sku: Sku }),
      returns: InventoryView,
      errors: [[404, "SKU_NOT_FOUND"]],
      async handler(ctx) {
        const found = await stock.get(ctx.params.sku);
        if (!found) throw unknownSku();
        return inventoryOf(found);
      },
    }),

    adjust: action({
      rest: "POST /inventory/:sku/adjustments",
      access: ["admin"],
      summary: "Put stock in, or take some out that is not reserved",
      params: AdjustParams,
      returns: InventoryView,
      errors: [
        [404, "SKU_NOT_FOUND"],
        [409, "INSUFFICIENT_STOCK"],
      ],
      idempotency: "optional",
      async handler(ctx) {
        const { sku, delta, reason } = ctx.params;
        const adjustment = { delta, reason, by: ctx.meta.user?.id ?? "", at: now() };
        const adjusted = await stock.adjust(sku, operationId(ctx), adjustment);
        if (!adjusted) throw unknownSku();
        return inventoryOf(adjusted);
      },
    }),
  };
}
