import { outboxIndex } from "../../lib/outbox";
import { DuplicateKey, type Filter, type Store } from "../../lib/store/collection";
import type { Conversation, Transition } from "./conversation";

/** Conversations: one document each, changed by transitions only. `wake` is told of writes with an event. */
export function conversationStore(store: Store, wake: () => void) {
  const collection = store.collection<Conversation>("chat", {
    name: "conversations",
    indexes: [
      { fields: ["open"], unique: true, sparse: true },
      { fields: ["customer.id", "-_id"] },
      { fields: ["agent.id", "-_id"], mongoOnly: true },
      { fields: ["status", "-_id"], mongoOnly: true },
      { fields: ["place"], sparse: true },
      { fields: ["due"], sparse: true },
      outboxIndex,
    ],
  });

  return {
    collection,
    get: (id: string): Promise<Conversation | null> => collection.get(id),
    openOf: (customerId: string): Promise<Conversation | null> => collection.findOne({ open: customerId }),

    /** The customer's open conversation where there is one already. */
    async open(conversation: Conversation): Promise<{ conversation: Conversation; isNew: boolean }> {
      for (;;) {
        try {
          const inserted = await collection.insert(conversation);
          wake();
          return { conversation: inserted, isNew: true };
        } catch (error) {
          if (!(error instanceof DuplicateKey)) throw error;
        }
        const existing = await collection.findOne({ open: conversation.customer.id });
        // Closed in between: then this one can be.
        if (existing) return { conversation: existing, isNew: false };
      }
    },

    /** The conversation afterwards, or null where it was not as the transition wants it. */
    async apply({ from, change }: Transition): Promise<Conversation | null> {
      const changed = await collection.update(from, change);
      if (changed?.outboxLast) wake();
      return changed;
    },

    /** How far a user has read; it only grows. */
    read: (id: string, userId: string, seq: number): Promise<Conversation | null> =>
      collection.update({ _id: id }, { $max: { [`reads.${userId}`]: seq } }),

    /** Those of these ids that are there, with a customer only theirs. */
    visible: (ids: string[], customerId?: string): Promise<Conversation[]> =>
      collection.find({ _id: { $in: ids }, "customer.id": customerId }, { sort: ["_id"] }),

    /** The open ones that concern these users: as their customer, or as the agent who has it. */
    concerning: (userIds: string[]): Promise<Conversation[]> =>
      collection.find(
        { $or: [{ open: { $in: userIds } }, { status: "assigned", "agent.id": { $in: userIds } }] },
        { fields: ["customer", "agent", "open", "status", "lastSeq", "publicSeq"] },
      ),

    /** All that a user ever had a part in. */
    ofUser: (userId: string): Promise<Conversation[]> =>
      collection.find({ $or: [{ "customer.id": userId }, { agents: userId }, { "agent.id": userId }] }),

    /** An erased user's name goes, and of a customer all that they said of the conversation. */
    async forget(id: string, userId: string): Promise<void> {
      await collection.update(
        { _id: id, "customer.id": userId },
        { $set: { "customer.name": "" }, $unset: { subject: true, "rating.comment": true } },
        { fields: [] },
      );
      await collection.update({ _id: id, "agent.id": userId }, { $set: { "agent.name": "" } }, { fields: [] });
    },

    /** Newest first. */
    list: (filter: Filter, { before, limit }: { before?: string; limit: number }): Promise<Conversation[]> =>
      collection.find({ ...filter, ...(before !== undefined && { _id: { $lt: before } }) }, { sort: ["-_id"], limit }),

    /** How many wait that come before a place in the queue. */
    countBefore: (place: string): Promise<number> => collection.count({ place: { $lt: place } }),

    /** The places of all that wait, in order. */
    async places(): Promise<string[]> {
      const waiting = await collection.find({ place: { $gt: "" } }, { sort: ["place"], fields: ["place"] });
      return waiting.flatMap(({ place }) => place ?? []);
    },

    /** Those that wait for an agent, the first in line first. */
    queue: (limit?: number): Promise<Conversation[]> =>
      collection.find({ place: { $gt: "" } }, { sort: ["place"], ...(limit !== undefined && { limit }) }),
  };
}

export type ConversationStore = ReturnType<typeof conversationStore>;
