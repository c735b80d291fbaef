import type { ActionSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { Nothing, type Static } from "../../lib/schema";
import { visibleConversation } from "./access";
import * as schema from "./chat.schema";
import { type Conversation, isOpen } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { Delivery } from "./delivery";
import type { Erasing } from "./erasing";
import type { MessageStore } from "./message.store";
import type { People } from "./people";
import { deskNews, synchronised } from "./syncing";
import type { ConversationViews } from "./view";

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  views: ConversationViews;
  delivery: Delivery;
  people: People;
  erase: Erasing;
}

/** By user and conversation, the last seq that the user may see. */
function headsOf(concerning: Conversation[], users: string[]): Static<typeof schema.Heads>["heads"] {
  const asked = new Set(users);
  const heads: Record<string, Record<string, number>> = {};
  const put = (userId: string | undefined, id: string, seq: number) => {
    if (userId !== undefined && asked.has(userId)) heads[userId] = { ...heads[userId], [id]: seq };
  };
  for (const { _id, customer, agent, lastSeq, publicSeq } of concerning) {
    put(agent?.id, _id, lastSeq);
    put(customer.id, _id, publicSeq);
  }
  return heads;
}

/** What no client asks for over REST: connected ones do through the gateway, and other contexts. */
export function clientActions(parts: Parts): Record<string, ActionSchema> {
  const { conversations, messages, views, delivery, people, erase } = parts;

  return {
    sync: action({
      retryable: true,
      params: schema.SyncParams,
      returns: schema.Synced,
      handler: (ctx) => synchronised({ conversations, messages, views }, callerOf(ctx), ctx.params.cursors),
    }),

    typing: action({
      params: schema.TypingParams,
      returns: Nothing,
      async handler(ctx) {
        const { id, typing } = ctx.params;
        const caller = callerOf(ctx);
        const { conversation } = await visibleConversation(conversations, id, caller);
        const { customer, agent } = conversation;
        const isSide = caller.id === customer.id || caller.id === agent?.id;
        if (isSide && isOpen(conversation)) delivery.typing(conversation, await people(callOf(ctx), caller.id), typing);
        return null;
      },
    }),

    heads: action({
      retryable: true,
      params: schema.HeadsParams,
      returns: schema.Heads,
      handler: async ({ params }) => ({ heads: headsOf(await conversations.concerning(params.users), params.users) }),
    }),

    desk: action({
      retryable: true,
      params: schema.DeskParams,
      returns: schema.DeskNews,
      handler: (ctx) => deskNews({ conversations, views }, callerOf(ctx), ctx.params.since),
    }),

    unread: action({
      retryable: true,
      params: schema.UnreadParams,
      returns: schema.Unread,
      async handler({ params: { userId, conversationId } }) {
        const conversation = await conversations.get(conversationId);
        if (!conversation) return { unread: 0 };
        const { customer, agent, status } = conversation;
        if (customer.id !== userId && agent?.id !== userId) return { unread: 0 };
        // What is over asks nothing more of whoever helped.
        if (customer.id !== userId && status === "closed") return { unread: 0 };
        const reader = { id: userId, agent: customer.id !== userId };
        const [unread, oldestAt] = await Promise.all([
          views.unread(conversation, reader),
          views.oldestUnread(conversation, reader),
        ]);
        return { unread, ...(oldestAt !== undefined && { oldestAt }) };
      },
    }),

    erase: action({
      params: schema.OfUser,
      returns: Nothing,
      async handler({ params }) {
        await erase(params.userId);
        return null;
      },
    }),
  };
}
