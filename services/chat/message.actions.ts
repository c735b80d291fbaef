import type { ActionSchema } from "moleculer";
import { action, type Caller, callerOf, callOf, type ShopContext } from "../../lib/actions";
import { conflict, forbidden, notFound, tooMany } from "../../lib/errors";
import { Nothing } from "../../lib/schema";
import { after } from "../../lib/time";
import { conversationClosed, forAgentsOnly, isAgent, visibleConversation, visibleSeq, writingRefused } from "./access";
import * as schema from "./chat.schema";
import { type Conversation, isOpen } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { Delivery } from "./delivery";
import { type Message, messageView, type Sender } from "./message";
import type { MessageStore } from "./message.store";
import type { Messaging } from "./messaging";
import { bytesOfAll } from "./paging";
import type { People } from "./people";

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  messaging: Messaging;
  delivery: Delivery;
  people: People;
}

/** Milliseconds in which one may change what one wrote. */
const CHANGE_WITHIN_MS = 10 * 60_000;

/** Bytes of all that one edits in a conversation in that time: what was edited is in one answer for whoever was away. */
const EDITED_BYTES = 64 * 1024;

const deleted = () => conflict("MESSAGE_DELETED", "The message is deleted.");

/** What is written in conversations. */
export function messageActions(parts: Parts): Record<string, ActionSchema> {
  const { conversations, messages, messaging, delivery, people } = parts;

  /** By the names that the conversation knows; whoever only looks in is asked for at `user`. */
  async function senderOf(ctx: ShopContext, { customer, agent }: Conversation, { id }: Caller): Promise<Sender> {
    if (id === customer.id) return { ...customer, role: "customer" };
    const person = id === agent?.id ? agent : await people(callOf(ctx), id);
    return { ...person, role: "agent" };
  }

  /** One's own message that may still be changed. 403 NOT_YOURS, 404, 409 CONVERSATION_CLOSED, TOO_LATE. */
  async function changeable(id: string, messageId: string, caller: Caller) {
    const { conversation, reader } = await visibleConversation(conversations, id, caller);
    const message = await messages.get(messageId);
    const isThere =
      message?.conversationId === id && message.seq <= visibleSeq(conversation, reader) ? message : undefined;
    if (!isThere || (isThere.kind === "note" && !reader.agent))
      throw notFound("MESSAGE_NOT_FOUND", "There is no such message.");
    if (isThere.sender.id !== caller.id) throw forbidden("NOT_YOURS", "Only who wrote a message may change it.");
    if (!isOpen(conversation)) throw conversationClosed();
    if (isThere.createdAt <= after(-CHANGE_WITHIN_MS))
      throw conflict("TOO_LATE", "A message can be changed for 10 minutes.");
    return isThere;
  }

  /** Null where it was deleted. Until the change is placed every reader gets it, so that a crash in between loses nobody. */
  async function rewrite(message: Message, text: string | null): Promise<Message | null> {
    const changed = await messages.rewrite(message, text);
    const conversation = changed && (await conversations.get(message.conversationId));
    if (!conversation) return null;
    await messages.placed(changed, conversation.lastSeq);
    delivery.changed(conversation, changed);
    return changed;
  }

  return {
    history: action({
      rest: "GET /conversations/:id/messages",
      access: "signed-in",
      summary: "Messages after a seq, or those before one, or the newest; in order either way",
      retryable: true,
      params: schema.HistoryParams,
      returns: schema.MessagePage,
      errors: [[404, "CONVERSATION_NOT_FOUND"]],
      async handler(ctx) {
        const { id, afterSeq, beforeSeq, limit } = ctx.params;
        const { conversation, reader } = await visibleConversation(conversations, id, callerOf(ctx));
        const last = visibleSeq(conversation, reader);
        const { items, more } = await messages.page(id, reader, {
          after: afterSeq ?? 0,
          upTo: Math.min(last, (beforeSeq ?? last + 1) - 1),
          limit,
          newest: afterSeq === undefined,
        });
        return { items: items.map(messageView), more };
      },
    }),

    send: action({
      rest: "POST /conversations/:id/messages",
      access: "signed-in",
      summary: "Stores a message for good; the same `clientMsgId` again gets the first answer with 200",
      retryable: true,
      params: schema.SendParams,
      returns: schema.MessageView,
      status: 201,
      answersAgain: true,
      errors: [
        [403, "FORBIDDEN"],
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "CONVERSATION_CLOSED"],
        [409, "NOT_ASSIGNED"],
      ],
      async handler(ctx) {
        const { id, clientMsgId, text, kind = "message" } = ctx.params;
        const caller = callerOf(ctx);
        if (kind === "note" && !isAgent(caller)) throw forAgentsOnly();
        const { message, isNew } = await messaging.send(id, async () => {
          const { conversation, reader } = await visibleConversation(conversations, id, caller);
          const sender = await senderOf(ctx, conversation, caller);
          return {
            conversation,
            draft: { clientMsgId, text, kind, sender },
            refused: (current) => writingRefused(current, reader, kind),
          };
        });
        if (!isNew) ctx.meta.$statusCode = 200;
        return messageView(message);
      },
    }),

    edit: action({
      rest: "PATCH /conversations/:id/messages/:messageId",
      access: "signed-in",
      summary: "Changes one's own message, for 10 minutes",
      params: schema.EditParams,
      returns: schema.MessageView,
      errors: [
        [403, "NOT_YOURS"],
        [404, "MESSAGE_NOT_FOUND"],
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "CONVERSATION_CLOSED"],
        [409, "MESSAGE_DELETED"],
        [409, "TOO_LATE"],
        [429, "TOO_MANY_EDITS"],
      ],
      async handler(ctx) {
        const { id, messageId, text } = ctx.params;
        const caller = callerOf(ctx);
        const message = await changeable(id, messageId, caller);
        const others = await messages.editedBy(id, caller.id, after(-CHANGE_WITHIN_MS));
        if (bytesOfAll([...others, { text }]) > EDITED_BYTES)
          throw tooMany("TOO_MANY_EDITS", "You have edited too much in this conversation.", CHANGE_WITHIN_MS / 1000);
        const edited = await rewrite(message, text);
        if (!edited) throw deleted();
        return messageView(edited);
      },
    }),

    unsend: action({
      rest: "DELETE /conversations/:id/messages/:messageId",
      access: "signed-in",
      summary: "Deletes one's own message, for 10 minutes: its place stays, its text goes",
      params: schema.MessageParams,
      returns: Nothing,
      status: 204,
      errors: [
        [403, "NOT_YOURS"],
        [404, "MESSAGE_NOT_FOUND"],
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "CONVERSATION_CLOSED"],
        [409, "TOO_LATE"],
      ],
      async handler(ctx) {
        const { id, messageId } = ctx.params;
        await rewrite(await changeable(id, messageId, callerOf(ctx)), null);
        return null;
      },
    }),
  };
}
