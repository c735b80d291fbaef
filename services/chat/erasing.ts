import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { Delivery } from "./delivery";
import type { MessageStore } from "./message.store";

/** Conversations, and messages of them all, that are told of one erasure: the newest. The rest comes with the next sync. */
const TOLD = 100;

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  delivery: Pick<Delivery, "conversation" | "changed">;
  /** Ends a conversation whose customer is gone. */
  close: (conversation: Conversation) => Promise<unknown>;
}

interface Forgotten {
  /** As it was, so that those are told who were shown that. */
  before: Conversation;
  /** The seq of the last message of those that changed, if any did. */
  lastSeq: number;
}

const named = ({ customer, agent }: Conversation, userId: string): boolean =>
  [customer, agent].some((person) => person?.id === userId && person.name !== "");

/**
 * A user is erased: as a customer their name and all they wrote leave their conversations, as an agent their name does,
 * since what they wrote is the customer's to keep. Idempotent. Whoever has such a conversation before them is told.
 */
export function erasing({ conversations, messages, delivery, close }: Parts) {
  /** Undefined where nothing was left to forget. */
  async function forget(before: Conversation, userId: string): Promise<Forgotten | undefined> {
    const { _id: id, customer, open } = before;
    const isCustomer = customer.id === userId;
    if (isCustomer && open !== undefined) await close(before);
    await conversations.forget(id, userId);
    // Read once nothing can be written there any more: it counts what was written until then.
    const { lastSeq } = (await conversations.get(id)) ?? before;
    const changed = await messages.forget(id, userId, lastSeq, isCustomer);
    return changed > 0 || named(before, userId) ? { before, lastSeq: changed > 0 ? lastSeq : 0 } : undefined;
  }

  /** All agents too, where it waited. */
  async function tell(forgotten: Forgotten[], userId: string): Promise<void> {
    const newest = forgotten.sort((a, b) => b.before._id.localeCompare(a.before._id)).slice(0, TOLD);
    let room = TOLD;
    for (const { before, lastSeq } of newest) {
      if (lastSeq > 0 && room > 0) {
        const written = await messages.newestOf(before._id, userId, { upTo: lastSeq, limit: room });
        for (const message of written) delivery.changed(before, message);
        room -= written.length;
      }
      await delivery.conversation(before, { changedHands: before.status === "queued" });
    }
  }

  return async (userId: string): Promise<void> => {
    const forgotten: (Forgotten | undefined)[] = [];
    for (const found of await conversations.ofUser(userId)) forgotten.push(await forget(found, userId));
    // Notes among agents are also in conversations that were never theirs.
    for (const id of await messages.namedIn(userId)) {
      const conversation = await conversations.get(id);
      if (conversation) forgotten.push(await forget(conversation, userId));
    }
    await tell(
      forgotten.filter((one) => one !== undefined),
      userId,
    );
  };
}

export type Erasing = ReturnType<typeof erasing>;
