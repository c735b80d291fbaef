import { decodeCursor, type Page, toPage } from "../../lib/cursor";
import { eventsOf, outboxIndex } from "../../lib/outbox";
import { DuplicateKey, type OpenableCollection, type Store } from "../../lib/store/collection";
import { now } from "../../lib/time";
import type { Order } from "./order";
import type { OrderStatus } from "./order.schema";
import type { Transition } from "./transitions";

/**
 * Orders: one document each, changed by transitions only. `wake` is told of writes with an event, `stepped` of the type of
 * each event.
 */
export function orderStore(store: Store, wake: () => void, stepped: (type: string) => void) {
  const collection: OpenableCollection<Order> = store.collection<Order>("order", {
    name: "orders",
    indexes: [
      { fields: ["number"], unique: true },
      { fields: ["customerId", "-_id"] },
      { fields: ["status", "-_id"], mongoOnly: true },
      { fields: ["due"], sparse: true },
      { fields: ["failed.times"], sparse: true },
      outboxIndex,
    ],
  });

  return {
    collection,
    get: (id: string): Promise<Order | null> => collection.get(id),

    /** Inserts a new order; the one that is there if another try of the same operation was first. */
    async insert(order: Order): Promise<Order> {
      try {
        return await collection.insert(order);
      } catch (error) {
        const existing = error instanceof DuplicateKey ? await collection.get(order._id) : null;
        if (!existing) throw error;
        return existing;
      }
    },

    /** The order afterwards, or null where it was not in a state that the transition starts from. */
    async apply({ from, change }: Transition): Promise<Order | null> {
      const changed = await collection.update(from, change);
      if (changed?.outboxLast) wake();
      if (changed) for (const { type } of eventsOf(change)) stepped(type);
      return changed;
    },

    /** An order that could not be placed leaves nothing behind. */
    forget: (id: string): Promise<number> => collection.remove({ _id: id, status: "placing" }),

    async list(
      { status, customerId }: { status?: OrderStatus; customerId?: string },
      { limit, cursor }: { limit: number; cursor?: string },
    ): Promise<Page<Order>> {
      const [before] = cursor === undefined ? [] : decodeCursor(cursor, 1);
      const rows = await collection.find(
        {
          status: status ?? { $ne: "placing" },
          customerId,
          ...(before !== undefined && { _id: { $lt: before } }),
        },
        { sort: ["-_id"], limit: limit + 1 },
      );
      return toPage(rows, limit, (order) => [order._id]);
    },

    byNumber: (number: string): Promise<Order | null> => collection.findOne({ number }),

    /** A sweeper's try failed; what is due stays due. */
    async failed({ _id, work }: Order, error: string): Promise<void> {
      const change = { $inc: { "failed.times": 1 }, $set: { "failed.at": now(), "failed.error": error } };
      if (work) await collection.update({ _id, work }, change, { fields: [] });
    },

    /** Those whose work nobody took up by `before`, and those whose work failed so often, oldest first. */
    async stuck(before: string, times: number, limit: number): Promise<Order[]> {
      // Each by its index, as of an $or the embedded store has none.
      const found = await Promise.all([
        collection.find({ due: { $lt: before } }, { sort: ["due"], limit }),
        collection.find({ "failed.times": { $gte: times } }, { sort: ["failed.times"], limit }),
      ]);
      const once = new Map(found.flat().map((order) => [order._id, order]));
      return [...once.values()].sort((a, b) => (a._id < b._id ? -1 : 1)).slice(0, limit);
    },

    /** What is left to do is the next sweeper's; null where it has nothing left, or another work than that. */
    takeNow: ({ _id, work }: Order): Promise<Order | null> =>
      work ? collection.update({ _id, work }, { $set: { due: now() } }) : Promise.resolve(null),

    waiting: (customerId: string): Promise<Order[]> => collection.find({ customerId, status: "awaiting_payment" }),

    /** Idempotent. Finished orders lose their address now, the others when they finish. */
    async anonymise(customerId: string): Promise<void> {
      await collection.updateMany({ customerId }, { $set: { anonymous: true } });
      await collection.updateMany(
        { customerId, status: { $in: ["delivered", "cancelled", "refunded"] } },
        { $set: { shippingAddress: null } },
      );
    },
  };
}

export type OrderStore = ReturnType<typeof orderStore>;
