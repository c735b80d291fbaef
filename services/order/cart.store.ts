import { type Document, DuplicateKey, type OpenableCollection, type Store } from "../../lib/store/collection";
import { now } from "../../lib/time";

export interface CartLine {
  sku: string;
  quantity: number;
  at: string;
}

/** One per customer. `version` counts changes, so that an order empties the cart it was made of and no newer one. */
export interface Cart extends Document {
  version: number;
  /** By encoded SKU: a SKU may hold a dot, a field name may not. */
  lines: Record<string, CartLine>;
  updatedAt: string;
}

const keyOf = (sku: string) => Buffer.from(sku).toString("base64url");

export function cartStore(store: Store) {
  const collection: OpenableCollection<Cart> = store.collection<Cart>("order", { name: "carts" });

  return {
    collection,

    async get(customerId: string): Promise<Cart> {
      return (await collection.get(customerId)) ?? { _id: customerId, version: 0, lines: {}, updatedAt: now() };
    },

    async put(customerId: string, sku: string, quantity: number): Promise<Cart> {
      const line: CartLine = { sku, quantity, at: now() };
      const change = { $set: { [`lines.${keyOf(sku)}`]: line, updatedAt: now() }, $inc: { version: 1 } };
      const changed = await collection.update({ _id: customerId }, change);
      if (changed) return changed;
      try {
        return await collection.insert({
          _id: customerId,
          version: 1,
          lines: { [keyOf(sku)]: line },
          updatedAt: now(),
        });
      } catch (error) {
        if (!(error instanceof DuplicateKey)) throw error;
        return (await collection.update({ _id: customerId }, change)) ?? this.get(customerId);
      }
    },

    async removeLine(customerId: string, sku: string): Promise<void> {
      await collection.update(
        { _id: customerId, [`lines.${keyOf(sku)}`]: { $exists: true } },
        { $unset: { [`lines.${keyOf(sku)}`]: true }, $inc: { version: 1 }, $set: { updatedAt: now() } },
      );
    },

    /** Empties the cart, with `version` only while it is still that one. */
    async clear(customerId: string, version?: number): Promise<void> {
      await collection.update(
        { _id: customerId, ...(version !== undefined && { version }) },
        { $set: { lines: {}, updatedAt: now() }, $inc: { version: 1 } },
      );
    },

    forget: (customerId: string): Promise<number> => collection.remove({ _id: customerId }),
  };
}

export type CartStore = ReturnType<typeof cartStore>;
