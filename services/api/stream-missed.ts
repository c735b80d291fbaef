import type { ServiceBroker } from "moleculer";
import type { Caller } from "../../lib/actions";
import { newId } from "../../lib/ids";
import type { Conversation, Message } from "../chat/chat.contract";
import type { EventName } from "./deliveries";
import { MAX_NOTIFICATIONS, type StreamCursor } from "./stream-cursor";

const CURSORS_AT_ONCE = 200;
/** Of more than this a client does better to load anew. */
const MAX_MISSED = 2000;

interface Synced {
  messages: Message[];
  conversations: Conversation[];
  more: boolean;
}
interface Notifications {
  items: { id: string }[];
  nextCursor: string | null;
}

export type Push = (event: EventName, payload: object) => void;

/** More was missed than is sent again. */
export class MissedTooMuch extends Error {
  override readonly name = "MissedTooMuch";
}

/** What a stream has missed since its cursor, in order; the cursor moves along. Rejects where that cannot be known. */
export function missed(broker: ServiceBroker) {
  const ask = <R>(caller: Caller, action: string, params: object) =>
    broker.call<R, object>(action, params, { requestID: newId(), meta: { user: caller } });

  async function messages(caller: Caller, cursor: StreamCursor, open: Record<string, number>, push: Push) {
    const wanted = [...cursor.wanted(open)];
    const conversations = new Map<string, Conversation>();
    let count = 0;
    for (let first = 0; first < wanted.length; first += CURSORS_AT_ONCE) {
      const cursors = new Map(wanted.slice(first, first + CURSORS_AT_ONCE));
      for (let more = true; more; ) {
        const synced = await ask<Synced>(caller, "chat.sync", { cursors: Object.fromEntries(cursors) });
        for (const message of synced.messages) {
          const { conversationId, seq } = message;
          const prevSeq = cursors.get(conversationId) ?? 0;
          const isNew = seq > prevSeq;
          if (isNew) {
            cursors.set(conversationId, seq);
            cursor.reach(conversationId, seq);
          }
          if (++count > MAX_MISSED) throw new MissedTooMuch();
          if (isNew) push("chat.message", { conversationId, message, prevSeq });
          else push("chat.changed", { conversationId, message });
        }
        for (const conversation of synced.conversations) conversations.set(conversation.id, conversation);
        more = synced.more;
      }
    }
    for (const conversation of conversations.values()) push("chat.conversation", { conversation });
  }

  async function notifications(caller: Caller, cursor: StreamCursor, push: Push) {
    const found: Notifications["items"] = [];
    for (let page: string | null | undefined; page !== null; ) {
      const params = { limit: 100, ...(page !== undefined && { cursor: page }) };
      const { items, nextCursor } = await ask<Notifications>(caller, "notification.list", params);
      found.push(...items.filter(({ id }) => !cursor.knows(id)));
      if (found.length > MAX_MISSED) throw new MissedTooMuch();
      page = items.some(({ id }) => cursor.isDone(id)) ? null : nextCursor;
    }
    for (const notification of found.reverse()) {
      cursor.notice(notification.id);
      push("notification", notification);
    }
  }

  return {
    async send(caller: Caller, cursor: StreamCursor, open: Record<string, number>, push: Push): Promise<void> {
      await messages(caller, cursor, open, push);
      await notifications(caller, cursor, push);
    },

    /** Moves a new cursor to what is there now. */
    async skip(caller: Caller, cursor: StreamCursor, open: Record<string, number>): Promise<void> {
      for (const [conversationId, seq] of Object.entries(open)) cursor.reach(conversationId, seq);
      const { items, nextCursor } = await ask<Notifications>(caller, "notification.list", { limit: MAX_NOTIFICATIONS });
      cursor.startAt(
        items.map(({ id }) => id),
        nextCursor !== null,
      );
    },
  };
}
