import type { Call } from "../../lib/actions";
import { hasType } from "../../lib/errors";
import type { Static } from "../../lib/schema";
import { writingRefused } from "./access";
import type { OpenParams } from "./chat.schema";
import { type Conversation, newConversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { Delivery } from "./delivery";
import { openingId } from "./message";
import type { Messaging } from "./messaging";
import { requireOwnOrder } from "./orders";
import { type People, renamed } from "./people";

interface Parts {
  conversations: ConversationStore;
  messaging: Messaging;
  delivery: Pick<Delivery, "conversation">;
  people: People;
}

type Params = Static<typeof OpenParams>;

interface Opened {
  conversation: Conversation;
  isNew: boolean;
}

/** The customer's open conversation, or a new one, with `text` as a message in it. */
export function opening({ conversations, messaging, delivery, people }: Parts) {
  /** Shows the name that its customer goes by now, where `user` says so in time. */
  async function goOn(call: Call, conversation: Conversation): Promise<Opened> {
    const customer = await renamed(people, call, conversation.customer);
    const shown = customer && (await conversations.rename(conversation._id, customer));
    if (shown) await delivery.conversation(shown);
    return { conversation: shown ?? conversation, isNew: false };
  }

  async function begin(call: Call, customerId: string, { subject, orderId }: Params): Promise<Opened> {
    const [customer] = await Promise.all([
      people(call, customerId),
      orderId !== undefined && requireOwnOrder(call, customerId, orderId),
    ]);
    return conversations.open(newConversation({ customer, subject, orderId }));
  }

  async function withText({ conversation, isNew }: Opened, text: string, clientMsgId: string): Promise<Opened> {
    const { customer } = conversation;
    const sent = await messaging.send(conversation._id, async () => ({
      conversation,
      draft: { clientMsgId, text, kind: "message", sender: { ...customer, role: "customer" } },
      refused: (current) => writingRefused(current, { id: customer.id, agent: false }, "message"),
    }));
    return { conversation: sent.conversation, isNew };
  }

  /** 404 ORDER_NOT_FOUND for a new one about an order that is not theirs; one that is open stays about what it is. */
  return async function open(call: Call, customerId: string, params: Params): Promise<Opened> {
    const { text, clientMsgId } = params;
    for (;;) {
      const existing = await conversations.openOf(customerId);
      const opened = existing ? await goOn(call, existing) : await begin(call, customerId, params);
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
