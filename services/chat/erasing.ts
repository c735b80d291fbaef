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
    for (const conversation of await conversations.ofUser(userId)) {
      const isCustomer = conversation.customer.id === userId;
      if (isCustomer && conversation.open !== undefined) await close(conversation);
      await conversations.forget(conversation._id, userId);
      await messages.forget(conversation._id, userId, conversation.lastSeq, isCustomer);
    }
  };
}

export type Erasing = ReturnType<typeof erasing>;
