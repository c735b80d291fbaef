import type { ActionSchema } from "moleculer";
import { action } from "../../lib/actions";
import type { Page } from "../../lib/cursor";
import { notFound } from "../../lib/errors";
import { ItemsOf, Strict, Type } from "../../lib/schema";
import type { Availability } from "./availability";
import { etagOf, type Generation, ReadyViews } from "./catalogue";
import type { CatalogueEntry } from "./product";
import { CategoryView, ListParams, ProductPage, ProductView } from "./product.schema";
import type { CatalogueStore } from "./product.store";

type EntryPage = Page<CatalogueEntry>;
type Detail = { items: CatalogueEntry[] };

declare module "../../lib/actions" {
  interface ActionMap {
    /** Of this service only: what Moleculer's cacher keeps, under a key that names the catalogue's generation. */
    "product.page": { params: ListParams & { key: string }; result: EntryPage };
    "product.detail": { params: { key: string; idOrSlug: string }; result: Detail };
    "product.categoryList": { params: { key: string }; result: { items: CategoryView[] } };
  }
}

const Key = { key: Type.String() };
const cache = { keys: ["key"] };
const IdOrSlug = Type.String({ minLength: 1, maxLength: 100, description: "id or slug" });

/** What everybody may read. Nothing here asks the store while what it read before still stands. */
export function catalogueActions(
  store: CatalogueStore,
  generation: Generation,
  availability: Availability,
): Record<string, ActionSchema> {
  const pages = new ReadyViews<EntryPage, ProductPage>(availability, ({ nextCursor }, items) => ({
    items,
    nextCursor,
  }));
  const details = new ReadyViews<Detail, { product: ProductView | undefined; etag: string }>(
    availability,
    (_, [product]) => ({ product, etag: product ? etagOf(product) : "" }),
  );

  return {
    list: action({
      rest: "GET /products",
      access: "anyone",
      summary: "Active products, filtered and sorted",
      params: ListParams,
      returns: ProductPage,
      stale: true,
      retryable: true,
      handler(ctx) {
        const { q, category, minPrice, maxPrice, sort, limit, cursor } = ctx.params;
        const key = `${generation.key}${JSON.stringify([q, category, minPrice, maxPrice, sort, limit, cursor])}`;
        return pages.get(key, () => ctx.call("product.page", { ...ctx.params, key }));
      },
    }),

    get: action({
      rest: "GET /products/:id",
      access: "anyone",
      summary: "One product by its id or slug, archived ones too",
      conditional: true,
      params: Strict({ id: IdOrSlug }),
      returns: ProductView,
      stale: true,
      errors: [[404, "PRODUCT_NOT_FOUND"]],
      retryable: true,
      async handler(ctx) {
        const { id: idOrSlug } = ctx.params;
        const key = `${generation.key}/${idOrSlug}`;
        const { product, etag } = await details.get(key, () => ctx.call("product.detail", { key, idOrSlug }));
        if (!product) throw notFound("PRODUCT_NOT_FOUND", "There is no such product.");
        ctx.meta.$responseHeaders = { ETag: etag };
        return product;
      },
    }),

    categories: action({
      rest: "GET /categories",
      access: "anyone",
      summary: "Categories and how many active products each has",
      params: Strict({}),
      returns: ItemsOf(CategoryView),
      stale: true,
      retryable: true,
      handler: (ctx) => ctx.call("product.categoryList", { key: generation.key }),
    }),

    page: action({
      params: Strict({ ...ListParams.properties, ...Key }),
      returns: Type.Unsafe<EntryPage>({ type: "object" }),
      cache,
      handler: (ctx) => store.list(ctx.params),
    }),

    detail: action({
      params: Strict({ idOrSlug: IdOrSlug, ...Key }),
      returns: Type.Unsafe<Detail>({ type: "object" }),
      cache,
      async handler(ctx) {
        const entry = await store.find(ctx.params.idOrSlug);
        if (!entry) throw notFound("PRODUCT_NOT_FOUND", "There is no such product.");
        return { items: [entry] };
      },
    }),

    categoryList: action({
      params: Strict(Key),
      returns: ItemsOf(CategoryView),
      cache,
      handler: async () => ({ items: await store.listCategories() }),
    }),
  };
}
