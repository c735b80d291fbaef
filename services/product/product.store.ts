import { type CursorKey, decodeCursor, encodeCursor, type Page } from "../../lib/cursor";
import { invalid } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { queryTokens } from "../../lib/search";
import { type Change, type Document, DuplicateKey, type Filter, type Store } from "../../lib/store/collection";
import { type CatalogueEntry, type Product, slugify, toEntry } from "./product";
import type { CategoryView, ListParams, Sort } from "./product.schema";

interface Category extends Document {
  name: string;
}

/** Where the catalogue stands: every write moves the number on. The epoch tells one store from another before it. */
export interface CatalogueState extends Document {
  epoch: string;
  generation: number;
  /** Demo products: begun, or all there. */
  demo?: "begun" | "done";
}

type SortKey = { field: "createdAt" | "sold" | "price" | "nameKey" | "_id"; descends: boolean };
const ascends = (field: SortKey["field"]): SortKey => ({ field, descends: false });
const descends = (field: SortKey["field"]): SortKey => ({ field, descends: true });

const KEYS: Record<Sort, SortKey[]> = {
  newest: [descends("createdAt"), descends("_id")],
  popular: [descends("sold"), descends("createdAt"), descends("_id")],
  price: [ascends("price"), ascends("_id")],
  "-price": [descends("price"), descends("_id")],
  name: [ascends("nameKey"), ascends("_id")],
};

const sortFields = (keys: SortKey[]) => keys.map(({ field, descends }) => (descends ? `-${field}` : field));

const indexes = Object.values(KEYS).flatMap((keys) => [
  { fields: ["status", ...sortFields(keys)], mongoOnly: true },
  { fields: ["status", "category", ...sortFields(keys)], mongoOnly: true },
]);

/** Rows after the one that a cursor names, in the order of `keys`. */
function beyond(keys: SortKey[], last: CursorKey[]): Filter {
  const after = keys.map(({ field, descends }, i) => {
    const same = keys.slice(0, i).map(({ field: before }, j) => [before, last[j]]);
    return { ...Object.fromEntries(same), [field]: { [descends ? "$lt" : "$gt"]: last[i] } } as Filter;
  });
  return { $or: after };
}

function afterCursor(sort: Sort, cursor: string): Filter {
  const keys = KEYS[sort];
  const [of, ...last] = decodeCursor(cursor, keys.length + 1);
  if (of === sort) return beyond(keys, last);
  const errors = [{ path: "cursor", message: `is of another sort than ${sort}` }];
  throw invalid(errors);
}

function listFilter({ q, category, minPrice, maxPrice, sort, cursor }: ListParams): Filter {
  const [first, ...others] = queryTokens(q ?? "");
  return {
    status: "active",
    category: category ? slugify(category) || category : undefined,
    ...(minPrice !== undefined && { highestPrice: { $gte: minPrice } }),
    ...(maxPrice !== undefined && { price: { $lte: maxPrice } }),
    ...(first !== undefined && { tokens: first }),
    $and: [...others.map((token) => ({ tokens: token })), ...(cursor ? [afterCursor(sort, cursor)] : [])],
  };
}

/** Fields of a product that nobody sees are not read for a page: the tokens are longer than all the rest. */
const ENTRY_FIELDS = [
  "slug",
  "name",
  "description",
  "category",
  "images",
  "variants",
  "status",
  "createdAt",
  "price",
  "nameKey",
  "sold",
];

/** Products and categories, and how far the catalogue's writes have come. */
export function catalogueStore(store: Store) {
  const products = store.collection<Product>("product", {
    name: "products",
    indexes: [
      { fields: ["slug"], unique: true },
      { fields: ["tokens"] },
      { fields: ["due"], sparse: true },
      ...indexes,
    ],
  });
  const categories = store.collection<Category>("product", { name: "categories" });
  const states = store.collection<CatalogueState>("product", { name: "state" });

  async function state(): Promise<CatalogueState> {
    const existing = await states.get("catalogue");
    if (existing) return existing;
    const first = { _id: "catalogue", epoch: newId(), generation: 1 };
    await states.insertMany([first]);
    return (await states.get("catalogue")) ?? first;
  }

  return {
    collections: [products, categories, states] as const,
    products,
    categories,
    state,

    /** Products there are, archived ones too. */
    count: () => products.count({}),

    async setDemo(demo: "begun" | "done"): Promise<void> {
      await state();
      await states.update({ _id: "catalogue" }, { $set: { demo } });
    },

    /** A catalogue write is done and stored: from now on nobody may answer what was read before. */
    async moveOn(): Promise<CatalogueState> {
      await state();
      return (await states.update({ _id: "catalogue" }, { $inc: { generation: 1 } })) ?? state();
    },

    async list(params: ListParams): Promise<Page<CatalogueEntry>> {
      const { q, sort, limit } = params;
      const keys = KEYS[sort];
      const filter = listFilter(params);
      // Signs alone are in no product: that is no question for all of them.
      if (q?.trim() && queryTokens(q).length === 0) return { items: [], nextCursor: null };
      const rows = await products.find(filter, {
        sort: sortFields(keys),
        limit: limit + 1,
        fields: ENTRY_FIELDS,
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const more = rows.length > limit && last;
      return {
        items: page.map(toEntry),
        nextCursor: more ? encodeCursor([sort, ...keys.map(({ field }) => last[field])]) : null,
      };
    },

    async find(idOrSlug: string): Promise<CatalogueEntry | null> {
      const product = (await products.get(idOrSlug)) ?? (await products.findOne({ slug: idOrSlug }));
      return product && toEntry(product);
    },

    /** Of these the ones that can be bought. */
    orderable: (ids: string[]): Promise<Product[]> =>
      products.find({ _id: { $in: ids }, status: "active" }, { fields: ENTRY_FIELDS }),

    async listCategories(): Promise<CategoryView[]> {
      const all = await categories.find({}, { sort: ["_id"] });
      return Promise.all(
        all.map(async ({ _id, name }) => ({
          slug: _id,
          name,
          productCount: await products.count({ status: "active", category: _id }),
        })),
      );
    },

    /** Makes a category known under the name that it was first given. */
    async addCategory(name: string): Promise<void> {
      await categories.insertMany([{ _id: slugify(name), name }]);
    },

    /** False where the slug, or the id, is taken. */
    async add(product: Product): Promise<boolean> {
      try {
        await products.insert(product);
        return true;
      } catch (error) {
        if (error instanceof DuplicateKey) return false;
        throw error;
      }
    },

    /** Puts `changed` in the place of the version that it was made from; null where another write was first. */
    replace({ _id, version, sold: _, ...fields }: Product, due: string): Promise<Product | null> {
      const change: Change = { $set: { ...fields, due }, $inc: { version: 1 } };
      return products.update({ _id, version }, change);
    },

    announced: (id: string, due: string | undefined) =>
      due ? products.update({ _id: id, due }, { $unset: { due: true } }) : Promise.resolve(null),
  };
}

export type CatalogueStore = ReturnType<typeof catalogueStore>;
