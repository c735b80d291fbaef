import { conflict, invalid, notFound } from "../../lib/errors";
import { DuplicateKey } from "../../lib/store/collection";
import { after, now } from "../../lib/time";
import { newProduct, type Product, patched, repeatedSkus } from "./product";
import type { CreateParams, PatchParams, VariantInput } from "./product.schema";
import type { CatalogueState, CatalogueStore } from "./product.store";
import type { Stock } from "./stock";
import type { StockStore } from "./stock.store";

/** Milliseconds that a call may take at most, before others may undo what it left. */
const CALL_MS = 5000;
const ATTEMPTS = 20;

/** Tells this node and the others where the catalogue stands. */
export type Announce = (state: CatalogueState) => void;

const slugTaken = (slug: string) =>
  conflict("SLUG_TAKEN", "Another product has this slug.", { errors: [{ path: "slug", message: "is taken", slug }] });

const notThere = () => notFound("PRODUCT_NOT_FOUND", "There is no such product.");

/**
 * Makes and changes products. A SKU is claimed by its stock document, whose id it is, before a product names it; a claim
 * whose product never came is given up by a sweeper, and so is the news of a change that nobody was told of.
 */
export function publishing(catalogue: CatalogueStore, stock: StockStore, leaseMs: number, announce: Announce) {
  const claims = stock.stock;

  const newStock = (productId: string, { sku, stock = 0 }: VariantInput): Stock => ({
    _id: sku,
    productId,
    available: stock,
    reserved: 0,
    sold: 0,
    reservations: {},
    adjustments: {},
    version: Date.now(),
  });

  /** True when the SKU is this product's now, or was before. */
  async function claim(productId: string, variant: VariantInput): Promise<boolean> {
    try {
      const due = after(leaseMs + CALL_MS);
      await claims.insert({ ...newStock(productId, variant), claimed: true, due });
      return true;
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
      return (await claims.get(variant.sku))?.productId === productId;
    }
  }

  const giveUp = (productId: string, variants: VariantInput[]) =>
    Promise.all(variants.map(({ sku }) => claims.remove({ _id: sku, productId, claimed: true })));

  async function claimAll(productId: string, variants: VariantInput[]): Promise<void> {
    const claimed = await Promise.all(variants.map((variant) => claim(productId, variant)));
    const taken = variants.flatMap(({ sku }, i) =>
      claimed[i] ? [] : [{ path: `variants.${i}.sku`, message: "is taken", sku }],
    );
    if (taken.length === 0) return;
    await giveUp(productId, variants);
    throw conflict("SKU_TAKEN", "Another product has this SKU.", { errors: taken });
  }

  /** The product names its SKUs: the claims have served. One that a sweeper gave up too early is made again. */
  async function confirm(productId: string, variants: VariantInput[]): Promise<void> {
    for (const variant of variants) {
      const mine = { _id: variant.sku, productId };
      if (await claims.update(mine, { $unset: { claimed: true } })) continue;
      await claims.insertMany([newStock(productId, variant)]);
    }
  }

  async function published(product: Product): Promise<Product> {
    announce(await catalogue.moveOn());
    await catalogue.announced(product._id, product.due);
    return product;
  }

  /** A slug that was not asked for gives way to one that is there. */
  async function add(product: Product, slugGiven: boolean): Promise<Product> {
    const fallback = { ...product, slug: `${product.slug}-${product._id.slice(-8)}` };
    for (const candidate of slugGiven ? [product] : [product, fallback])
      if (await catalogue.add(candidate)) return candidate;
    const mine = await catalogue.products.get(product._id);
    if (!mine) throw slugTaken(product.slug);
    return mine;
  }

  const refuseRepeated = (variants: VariantInput[]) => {
    const repeated = repeatedSkus(variants);
    if (repeated.length > 0) throw invalid(repeated);
  };

  return {
    /** 409 SKU_TAKEN, SLUG_TAKEN. The same id again answers the product there is. */
    async create(id: string, params: CreateParams): Promise<Product> {
      const { variants, category, slug } = params;
      refuseRepeated(variants);
      await claimAll(id, variants);
      try {
        const product = await add({ ...newProduct(id, now(), params), due: after(leaseMs) }, slug !== undefined);
        await confirm(id, variants);
        await catalogue.addCategory(category);
        return await published(product);
      } catch (error) {
        if (!(await catalogue.products.get(id))) await giveUp(id, variants);
        throw error;
      }
    },

    /** 404 PRODUCT_NOT_FOUND; 409 SKU_TAKEN, SLUG_TAKEN. A SKU that is left out keeps its stock and its product. */
    async change(params: PatchParams): Promise<Product> {
      const { id, variants = [], category } = params;
      refuseRepeated(variants);
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const current = await catalogue.products.get(id);
        if (!current) throw notThere();
        await claimAll(id, variants);
        const changed = await catalogue.replace(patched(current, params), after(leaseMs)).catch(async (error) => {
          await giveUp(id, variants);
          throw error instanceof DuplicateKey ? slugTaken(params.slug ?? "") : error;
        });
        if (!changed) continue;
        await confirm(id, variants);
        if (category !== undefined) await catalogue.addCategory(category);
        return published(changed);
      }
      throw new Error(`${id}: others were faster ${ATTEMPTS} times`);
    },

    /** For the sweeper of products: a change that its node may not have lived to tell. */
    tellAgain: (product: Product) => published(product),

    /** For the sweeper of stock: true when the document was a claim and is not any more. */
    async settleClaim(claimed: Stock): Promise<boolean> {
      if (!claimed.claimed) return false;
      const { _id, productId } = claimed;
      const product = await catalogue.products.get(productId);
      const named = product?.variants.some(({ sku }) => sku === _id);
      if (named) await claims.update({ _id, productId }, { $unset: { claimed: true } });
      else await claims.remove({ _id, productId, claimed: true });
      return !named;
    },
  };
}

export type Publishing = ReturnType<typeof publishing>;
