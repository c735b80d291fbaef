import { createHash } from "node:crypto";
import { won } from "../../lib/money";
import { after } from "../../lib/time";
import { CATEGORIES, DEMO_PRODUCTS, type DemoProduct } from "./demo.catalogue";
import { newProduct, type Product } from "./product";
import type { CatalogueStore } from "./product.store";
import type { Stock } from "./stock";
import type { StockStore } from "./stock.store";

/** When the oldest demo product was made; the others follow an hour apart. */
const OPENING = "2026-01-05T09:00:00.000Z";

/** Variant names by kind of choice; `one` is a product without a choice. */
const OPTIONS: Record<string, string[]> = {
  one: ["기본"],
  colour: ["Black", "White"],
  colours: ["블랙", "화이트", "네이비"],
  sizes: ["S", "M", "L"],
  shoes: ["240 mm", "260 mm", "280 mm"],
  pack: ["1개", "3개 묶음"],
  volume: ["50 ml", "100 ml"],
  grams: ["200 g", "500 g", "1 kg"],
  bed: ["Single", "Queen"],
  cover: ["Paperback", "Hardcover"],
  storage: ["128 GB", "256 GB"],
};

const numberOf = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE(0);

/** A UUIDv7 of that time whose other bits come from the text: the same on every node, at every start. */
function demoId(text: string, at: string): string {
  const time = new Date(at).getTime().toString(16).padStart(12, "0");
  const hash = createHash("sha256").update(text).digest("hex");
  const version = `7${hash.slice(0, 3)}`;
  return [time.slice(0, 8), time.slice(8), version, `8${hash.slice(3, 6)}`, hash.slice(6, 18)].join("-");
}

function toProduct({ slug, name, price, category, description, options }: DemoProduct, position: number): Product {
  const createdAt = after(position * 3_600_000, OPENING);
  const skuBase = `${category.slice(0, 3).toUpperCase()}-${String(position + 1).padStart(3, "0")}`;
  const names = OPTIONS[options] ?? ["기본"];
  return newProduct(demoId(slug, createdAt), createdAt, {
    name,
    slug,
    description,
    category,
    images: [`https://picsum.photos/seed/${slug}/800/600`],
    variants: names.map((variant, i) => ({
      sku: names.length > 1 ? `${skuBase}-${i + 1}` : skuBase,
      name: variant,
      price: won(price + Math.round((price * i) / 1000) * 100),
    })),
  });
}

const stockOf = ({ _id: productId, variants }: Product): Stock[] =>
  variants.map(({ sku }) => ({
    _id: sku,
    productId,
    available: 20 + (numberOf(sku) % 181),
    reserved: 0,
    sold: 0,
    reservations: {},
    adjustments: {},
    version: Date.now(),
  }));

/** The demo shop's products; equal wherever and whenever they are made, but for the stock's version. */
export const demoProducts = (): Product[] => DEMO_PRODUCTS.map(toProduct);

/**
 * Fills an empty store. Nodes that start at once insert the same documents, of which the first counts, and what a node
 * left half done the next start completes.
 */
export async function seedDemo(catalogue: CatalogueStore, stock: StockStore): Promise<void> {
  const { demo } = await catalogue.state();
  if (demo === "done" || (demo === undefined && (await catalogue.count()) > 0)) return;
  await catalogue.setDemo("begun");
  const products = demoProducts();
  await catalogue.categories.insertMany(CATEGORIES.map(([slug, name]) => ({ _id: slug, name })));
  await stock.stock.insertMany(products.flatMap(stockOf));
  await catalogue.products.insertMany(products);
  await catalogue.setDemo("done");
  await catalogue.moveOn();
}
