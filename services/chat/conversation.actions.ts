import type { ActionSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { conflict } from "../../lib/errors";
import { forAgentsOnly, HELPERS, visibleConversation, visibleSeq } from "./access";
import * as schema from "./chat.schema";
import { type Conversation, isOpen, transition } from "./conversation";
import { listConversations } from "./conversation.list";
import type { ConversationStore } from "./conversation.store";
import type { Delivery } from "./delivery";
import type { MessageStore } from "./message.store";
import type { Opening } from "./opening";
import type { ConversationViews } from "./view";

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  open: Opening;
  delivery: Delivery;
  views: ConversationViews;
  /** The conversation once it had its chance of an agent. */
  opened: (conversation: Conversation) => Promise<Conversation>;
  /** What who waits has to know; the conversation with it. */
  welcome: (conversation: Conversation) => Promise<Conversation>;
}

/** Conversations as a whole: to begin one, find it, and say something about it. */
export function conversationActions(parts: Parts): Record<string, ActionSchema> {
  const { conversations, messages, open, delivery, views, opened, welcome } = parts;

  return {
    open: action({
      rest: "POST /conversations",
      access: ["customer"],
      summary: "Asks for help: a new conversation, or the one that is open, with `text` as a message in it",
      retryable: true,
      params: schema.OpenParams,
      returns: schema.ConversationView,
      status: 201,
      answersAgain: true,
      errors: [[404, "ORDER_NOT_FOUND"]],
      async handler(ctx) {
        const { id } = callerOf(ctx);
        const begun = await open(callOf(ctx), id, ctx.params);
        if (!begun.isNew) ctx.meta.$statusCode = 200;
        const conversation = await welcome(begun.isNew ? await opened(begun.conversation) : begun.conversation);
        // Whoever got it was told so.
        if (begun.isNew && conversation.status === "queued") void delivery.conversation(conversation);
        return views.one(conversation, { id, agent: false });
      },
    }),

    list: action({
      rest: "GET /conversations",
      access: "signed-in",
      summary: "One's own conversations, newest first; agents see all",
      retryable: true,
      params: schema.ListParams,
      returns: schema.ConversationPage,
      async handler(ctx) {
        const page = await listConversations({ conversations, messages }, callerOf(ctx), ctx.params);
        return { items: await views.many(page.items), nextCursor: page.nextCursor };
      },
    }),

    find: action({
      rest: "GET /conversations/:id",
      access: "signed-in",
      summary: "A conversation of one's own; agents see all",
      retryable: true,
      params: schema.ById,
      returns: schema.ConversationView,
      errors: [[404, "CONVERSATION_NOT_FOUND"]],
      async handler(ctx) {
        const { conversation, reader } = await visibleConversation(conversations, ctx.params.id, callerOf(ctx));
        return views.one(conversation, reader);
      },
    }),

    read: action({
      rest: "POST /conversations/:id/read",
      access: "signed-in",
      summary: "Says how far one has read; it never goes back",
      retryable: true,
      params: schema.ReadParams,
      returns: schema.ConversationView,
      errors: [[404, "CONVERSATION_NOT_FOUND"]],
      async handler(ctx) {
        const { conversation, reader } = await visibleConversation(conversations, ctx.params.id, callerOf(ctx));
        const seq = Math.min(ctx.params.seq, visibleSeq(conversation, reader));
        if (seq <= (conversation.reads[reader.id] ?? 0)) return views.one(conversation, reader);
        const read = await conversations.read(conversation._id, reader.id, seq);
        delivery.read(conversation, reader.id, seq);
        return views.one(read ?? conversation, reader);
      },
    }),

    rate: action({
      rest: "POST /conversations/:id/rating",
      access: ["customer"],
      summary: "What a customer thinks of a conversation that is over; a second rating replaces the first",
      retryable: true,
      params: schema.RatingParams,
      returns: schema.ConversationView,
      errors: [
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "CONVERSATION_OPEN"],
      ],
      async handler(ctx) {
        const { id, ...rating } = ctx.params;
        // Whoever may help elsewhere rates their own as a customer.
        const customer = { ...callerOf(ctx), roles: ["customer" as const] };
        const { conversation, reader } = await visibleConversation(conversations, id, customer);
        if (isOpen(conversation)) throw conflict("CONVERSATION_OPEN", "A conversation can be rated when it is closed.");
        const rated = await conversations.apply(
          transition(conversation, { from: { status: "closed" }, set: { rating } }),
        );
        if (rated) await delivery.conversation(rated);
        return views.one(rated ?? conversation, reader);
      },
    }),

    label: action({
      rest: "PATCH /conversations/:id",
      access: HELPERS,
      summary: "Sets the labels that agents see",
      retryable: true,
      params: schema.LabelParams,
      returns: schema.ConversationView,
      errors: [[404, "CONVERSATION_NOT_FOUND"]],
      async handler(ctx) {
        const { id, labels } = ctx.params;
        const { conversation, reader } = await visibleConversation(conversations, id, callerOf(ctx));
        if (!reader.agent) throw forAgentsOnly();
        const labelled = await conversations.apply(transition(conversation, { from: {}, set: { labels } }));
        if (labelled) await delivery.conversation(labelled, { agentsOnly: true });
        return views.one(labelled ?? conversation, reader);
      },
    }),
  };
}
