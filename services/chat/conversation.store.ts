import { outboxIndex } from "../../lib/outbox";
import { DuplicateKey, type Filter, type Store } from "../../lib/store/collection";
import type { Person } from "./chat.schema";
import type { Conversation, Transition } from "./conversation";

/** All of a conversation but the events that wait: while the topic is away these grow, and nobody here reads them. */
const READ: Record<Exclude<keyof Conversation, "_id" | "outbox">, true> = {
  outboxLast: true,
  customer: true,
  agent: true,
  orderId: true,
  subject: true,
  status: true,
  open: true,
  lastSeq: true,
  publicSeq: true,
  labels: true,
  reads: true,
  place: true,
  work: true,
  due: true,
  releases: true,
  fence: true,
  passedBy: true,
  passedUntil: true,
  agents: true,
  createdAt: true,
  assignedAt: true,
  firstAssignedAt: true,
  answeredAt: true,
  firstResponseAt: true,
  closedAt: true,
  changedAt: true,
  rating: true,
  traceparent: true,
};
const fields = Object.keys(READ);

/** Conversations: one document each, changed by transitions only. `wake` is told of writes with an event. */
export function conversationStore(store: Store, wake: () => void) {
  const collection = store.collection<Conversation>("chat", {
    name: "conversations",
    indexes: [
      { fields: ["open"], unique: true, sparse: true },
      { fields: ["customer.id", "-_id"] },
      { fields: ["agent.id", "-_id"], mongoOnly: true },
      { fields: ["agents", "-_id"], mongoOnly: true },
      { fields: ["status", "-_id"], mongoOnly: true },
      { fields: ["place"], sparse: true },
      { fields: ["due"], sparse: true },
      { fields: ["changedAt"], sparse: true },
      outboxIndex,
    ],
  });

  return {
    collection,
    async get(id: string): Promise<Conversation | null> {
      const [conversation] = await collection.find({ _id: id }, { fields });
      return conversation ?? null;
    },

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
      const changed = await collection.update(from, change, { fields });
      if (changed?.outboxLast) wake();
      return changed;
    },

    /** A new name of its customer, or of the agent who has it; null where it is closed, or theirs no more. */
    async rename(id: string, { id: userId, name }: Person): Promise<Conversation | null> {
      const asCustomer = { _id: id, open: userId };
      const asAgent = { _id: id, "agent.id": userId, status: "assigned" };
      return (
        (await collection.update(asCustomer, { $set: { "customer.name": name } }, { fields })) ??
        (await collection.update(asAgent, { $set: { "agent.name": name } }, { fields }))
      );
    },

    /** How far a user has read; it only grows. */
    read: (id: string, userId: string, seq: number): Promise<Conversation | null> =>
      collection.update({ _id: id }, { $max: { [`reads.${userId}`]: seq } }, { fields }),

    /** Those of these ids that are there, with a customer only theirs. */
    visible: (ids: string[], customerId?: string): Promise<Conversation[]> =>
      collection.find({ _id: { $in: ids }, "customer.id": customerId }, { sort: ["_id"], fields }),

    /** The open ones that concern these users: as their customer, or as the agent who has it; twice where as both. */
    async concerning(userIds: string[]): Promise<Conversation[]> {
      const shown = { fields: ["customer", "agent", "lastSeq", "publicSeq"] };
      // Each by its index, as of an $or the embedded store has none.
      const found = await Promise.all([
        collection.find({ open: { $in: userIds } }, shown),
        collection.find({ "agent.id": { $in: userIds }, status: "assigned" }, shown),
      ]);
      return found.flat();
    },

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
      collection.find(
        { ...filter, ...(before !== undefined && { _id: { $lt: before } }) },
        { sort: ["-_id"], limit, fields },
      ),

    /** How many wait that come before a place in the queue. */
    countBefore: (place: string): Promise<number> => collection.count({ place: { $lt: place } }),

    /** Those that became another since then, the first to do so first. */
    changedSince: (since: string, limit: number): Promise<Conversation[]> =>
      collection.find({ changedAt: { $gte: since } }, { sort: ["changedAt"], limit, fields }),

    /** The places of all that wait, in order. */
    async places(): Promise<string[]> {
      const waiting = await collection.find({ place: { $gt: "" } }, { sort: ["place"], fields: ["place"] });
      return waiting.flatMap(({ place }) => place ?? []);
    },

    /** Those that wait for an agent behind a place, the first in line first. */
    queue: (after = "", limit?: number): Promise<Conversation[]> =>
      collection.find({ place: { $gt: after } }, { sort: ["place"], fields, ...(limit !== undefined && { limit }) }),
  };
}

export type ConversationStore = ReturnType<typeof conversationStore>;
