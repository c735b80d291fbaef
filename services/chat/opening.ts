import { createHash } from "node:crypto";
import { hasType } from "../../lib/errors";
import type { Static } from "../../lib/schema";
import { writingRefused } from "./access";
import type { OpenParams, Person } from "./chat.schema";
import { type Conversation, newConversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { Messaging } from "./messaging";

interface Parts {
  conversations: ConversationStore;
  messaging: Messaging;
}

interface Opened {
  conversation: Conversation;
  isNew: boolean;
}

/** Where the client gave none: the same words twice in a conversation are one message. */
const openingId = (text: string) => `open-${createHash("sha256").update(text).digest("base64url")}`;

/** The customer's open conversation, or a new one, with `text` as a message in it. */
export function opening({ conversations, messaging }: Parts) {
  async function withText({ conversation, isNew }: Opened, text: string, clientMsgId: string): Promise<Opened> {
    const { customer } = conversation;
    const sent = await messaging.send(conversation._id, async () => ({
      conversation,
      draft: { clientMsgId, text, kind: "message", sender: { ...customer, role: "customer" } },
      refused: (current) => writingRefused(current, { id: customer.id, agent: false }, "message"),
    }));
    return { conversation: sent.conversation, isNew };
  }

  return async function open(
    customerId: string,
    params: Static<typeof OpenParams>,
    customer: () => Promise<Person>,
  ): Promise<Opened> {
    const { text, clientMsgId, subject, orderId } = params;
    for (;;) {
      const existing = await conversations.openOf(customerId);
      const opened = existing
        ? { conversation: existing, isNew: false }
        : await conversations.open(newConversation({ customer: await customer(), subject, orderId }));
      if (text === undefined) return opened;
      try {
        return await withText(opened, text, clientMsgId ?? openingId(text));
      } catch (error) {
        // Closed since it was found: another one can be opened.
        if (!hasType(error, "CONVERSATION_CLOSED")) throw error;
      }
    }
  };
}

export type Opening = ReturnType<typeof opening>;
