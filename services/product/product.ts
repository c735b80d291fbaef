import type { Money } from "../../lib/money";
import { documentTokens, normalise } from "../../lib/search";
import type { Document } from "../../lib/store/collection";
import type { CreateParams, PatchParams, ProductView, VariantInput } from "./product.schema";

export interface Variant {
  sku: string;
  name: string;
  price: Money;
}

/** A product in the catalogue. Its stock is another aggregate, one for each SKU. */
export interface Product extends Document {
  slug: string;
  name: string;
  description: string;
  category: string;
  images: string[];
  variants: Variant[];
  status: "active" | "archived";
  createdAt: string;
  /** Sort keys and search tokens, made of the above by {@link derived}. */
  price: number;
  /** With `price`, the lowest, the span of its variants' prices. */
  highestPrice: number;
  nameKey: string;
  tokens: string[];
  /** Units sold, as far as the catalogue has been told; what `popular` sorts by. */
  sold: number;
  version: number;
  /** Set by a write that other nodes have not been told of yet. */
  due?: string;
}

/** A product as pages and details are cached: without what only the store needs, and without availability. */
export type CatalogueEntry = Omit<ProductView, "variants"> & { variants: Variant[] };

export const slugify = (text: string): string =>
  normalise(text)
    .replace(/[^a-z0-9가-힣]+/g, "-")
    .slice(0, 80)
    .replace(/^-|-$/g, "");

const toVariant = ({ sku, name, price }: VariantInput): Variant => ({ sku, name, price });

type Derived = Pick<Product, "price" | "highestPrice" | "nameKey" | "tokens">;

function derived({ name, description, category, variants }: Omit<Product, keyof Derived>): Derived {
  const prices = variants.map((variant) => variant.price.amount);
  const titles = [name, category, ...variants.flatMap((variant) => [variant.name, variant.sku])];
  return {
    price: Math.min(...prices),
    highestPrice: Math.max(...prices),
    nameKey: normalise(name),
    tokens: documentTokens(titles, [description]),
  };
}

export function newProduct(id: string, createdAt: string, params: CreateParams): Product {
  const { name, description, images } = params;
  const product = {
    _id: id,
    slug: params.slug ?? (slugify(name) || id),
    name,
    description,
    category: slugify(params.category),
    images,
    variants: params.variants.map(toVariant),
    status: "active" as const,
    createdAt,
    sold: 0,
    version: 1,
  };
  return { ...product, ...derived(product) };
}

/** The product with what a patch names in its place. */
export function patched(product: Product, { id: _, variants, category, ...rest }: PatchParams): Product {
  const changed = {
    ...product,
    ...rest,
    ...(category !== undefined && { category: slugify(category) }),
    ...(variants && { variants: variants.map(toVariant) }),
  };
  return { ...changed, ...derived(changed) };
}

export const toEntry = (product: Product): CatalogueEntry => ({
  id: product._id,
  slug: product.slug,
  name: product.name,
  description: product.description,
  category: product.category,
  images: product.images,
  variants: product.variants,
  status: product.status,
  createdAt: product.createdAt,
});

export const skusOf = ({ variants }: CatalogueEntry): string[] => variants.map(({ sku }) => sku);

export const toView = (entry: CatalogueEntry, availableOf: (sku: string) => number): ProductView => ({
  ...entry,
  variants: entry.variants.map((variant) => ({ ...variant, available: availableOf(variant.sku) })),
});

/** What a line of an order is called: the variant is named where there is a choice. */
export const lineName = (product: Product, variant: Variant): string =>
  product.variants.length > 1 ? `${product.name} ${variant.name}` : product.name;

/** SKUs that occur twice in one product, as dotted paths. */
export const repeatedSkus = (variants: Variant[]): { path: string; message: string; sku: string }[] =>
  variants.flatMap(({ sku }, i) =>
    variants.findIndex((other) => other.sku === sku) < i
      ? [{ path: `variants.${i}.sku`, message: "occurs twice", sku }]
      : [],
  );
