import type { Store } from "../../lib/store/collection";
import { type HandledEvent, onceBy, type Remembering } from "../../lib/store/once";
import { after, now } from "../../lib/time";

/** Units of a product that were paid for, as the topic of the orders tells. */
interface Sales extends Remembering {
  sold: number;
  /** The catalogue has an older figure. */
  due?: string;
}

/** Products whose figures go to the catalogue together. */
const BATCH = 200;

/** Counts units sold, once for each event. `rememberMs`: how long an event may come again. */
export function salesStore(store: Store, rememberMs: number) {
  const sales = store.collection<Sales>("product", { name: "sales", indexes: [{ fields: ["due"], sparse: true }] });
  const handled = store.collection<HandledEvent>("product", { name: "handled_events", indexes: [{ fields: ["at"] }] });
  const once = onceBy(sales, handled);

  return {
    collections: [sales, handled] as const,

    count: (eventId: string, productId: string, quantity: number): Promise<boolean> =>
      once(productId, eventId, () => ({ _id: productId, sold: 0, version: 0, handled: {} }), {
        $inc: { sold: quantity },
        $set: { due: now() },
      }),

    /** Figures that the catalogue does not have yet. */
    news: () => sales.find({ due: { $lte: now() } }, { sort: ["due"], limit: BATCH }),

    /** The catalogue has it, unless more was sold meanwhile. */
    async told({ _id, version }: Sales): Promise<void> {
      await sales.update({ _id, version }, { $unset: { due: true } }, { fields: [] });
    },

    forget: () => handled.remove({ at: { $lt: after(-rememberMs) } }),
  };
}

export type SalesStore = ReturnType<typeof salesStore>;
