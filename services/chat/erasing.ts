import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { MessageStore } from "./message.store";

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  /** Ends a conversation whose customer is gone. */
  close: (conversation: Conversation) => Promise<unknown>;
}

/**
 * A user is erased: as a customer their name and all they wrote leave their conversations, as an agent their name does,
 * since what they wrote is the customer's to keep. Idempotent.
 */
export function erasing({ conversations, messages, close }: Parts) {
  return async (userId: string): Promise<void> => {
    for (const found of await conversations.ofUser(userId)) {
      const { _id: id, customer, open } = found;
      const isCustomer = customer.id === userId;
      if (isCustomer && open !== undefined) await close(found);
      await conversations.forget(id, userId);
      // Read once nothing can be written there any more: it counts what was written until then.
      const { lastSeq } = (await conversations.get(id)) ?? found;
      await messages.forget(id, userId, lastSeq, isCustomer);
    }
    // Notes among agents are also in conversations that were never theirs.
    for (const id of await messages.namedIn(userId)) {
      const conversation = await conversations.get(id);
      if (conversation) await messages.forget(id, userId, conversation.lastSeq, false);
    }
  };
}

export type Erasing = ReturnType<typeof erasing>;
