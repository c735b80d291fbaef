import { outboxIndex } from "../../lib/outbox";
import { DuplicateKey, type Store } from "../../lib/store/collection";
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

    /** Those that wait for an agent, the first in line first. */
    queue: (limit?: number): Promise<Conversation[]> =>
      collection.find({ place: { $gt: "" } }, { sort: ["place"], ...(limit !== undefined && { limit }) }),
  };
}

export type ConversationStore = ReturnType<typeof conversationStore>;
