import type { Call, Caller } from "../../lib/actions";
import { newId } from "../../lib/ids";
import type { Conversation, DeskNews as Desk } from "../chat/chat.contract";
import { type EventName, isAgent } from "./deliveries";
import { MAX_NOTIFICATIONS, type StreamCursor } from "./stream-cursor";

const CURSORS_AT_ONCE = 200;
const CLOSED_LOOKED_AT = 50;
/** Of more than this a client does better to load anew. */
const MAX_MISSED = 2000;

/** The gateways' clocks differ, and what happens takes its time to get here. */
const CLOCKS_MS = 5000;

/** Resolves when there is room for more; rejects where nobody is there any more. */
export type Push = (event: EventName, payload: object) => Promise<void>;

/** What was missed cannot be sent again: it is too much, or not known. */
export class CannotResume extends Error {
  override readonly name = "CannotResume";
}

/** Agents see every conversation; this is one that is still their business. */
const concerns = ({ id }: Caller, { customer, agent, status }: Conversation) =>
  customer.id === id || agent?.id === id || status === "queued";

/** What a stream has missed since its cursor, in order; the cursor moves along. Rejects where that cannot be known. */
export function missed(call: Call) {
  const as = (caller: Caller) => ({ requestID: newId(), meta: { user: caller } });

  /** Agents hear of every conversation that waits or changes hands, whoever it was with and is with now. */
  async function desk(caller: Caller, since: number): Promise<Desk> {
    if (!isAgent(caller)) return { queued: {}, changed: [], more: false };
    return call("chat.desk", { since: new Date(since).toISOString() }, as(caller));
  }

  async function messages(caller: Caller, cursor: StreamCursor, wanted: [string, number][], push: Push) {
    const conversations = new Map<string, Conversation>();
    let count = 0;
    for (let first = 0; first < wanted.length; first += CURSORS_AT_ONCE) {
      const cursors = new Map(wanted.slice(first, first + CURSORS_AT_ONCE));
      for (let more = true; more; ) {
        const synced = await call("chat.sync", { cursors: Object.fromEntries(cursors) }, as(caller));
        const others = synced.conversations.filter((one) => !concerns(caller, one)).map(({ id }) => id);
        for (const id of others) {
          cursors.delete(id);
          cursor.drop(id);
        }
        for (const message of synced.messages) {
          const { conversationId, seq } = message;
          if (others.includes(conversationId)) continue;
          const prevSeq = cursors.get(conversationId) ?? 0;
          const isNew = seq > prevSeq;
          if (isNew) {
            cursors.set(conversationId, seq);
            cursor.reach(conversationId, seq);
          }
          if (++count > MAX_MISSED) throw new CannotResume();
          if (isNew) await push("chat.message", { conversationId, message, prevSeq });
          else await push("chat.changed", { conversationId, message });
        }
        for (const conversation of synced.conversations) conversations.set(conversation.id, conversation);
        more = synced.more && cursors.size > 0;
      }
    }
    for (const conversation of conversations.values()) await push("chat.conversation", { conversation });
  }

  async function notifications(caller: Caller, cursor: StreamCursor, push: Push) {
    const found: { id: string }[] = [];
    for (let page: string | null | undefined; page !== null; ) {
      const params = { limit: 100, ...(page !== undefined && { cursor: page }) };
      const { items, nextCursor } = await call("notification.list", params, as(caller));
      found.push(...items.filter(({ id }) => !cursor.knows(id)));
      if (found.length > MAX_MISSED) throw new CannotResume();
      page = items.some(({ id }) => cursor.isDone(id)) ? null : nextCursor;
    }
    for (const notification of found.reverse()) {
      cursor.notice(notification.id);
      await push("notification", notification);
    }
  }

  /** A customer's conversation that came and went meanwhile is in no cursor, and not among the open ones. */
  async function demandNoneUnseen(caller: Caller, cursor: StreamCursor) {
    const { items } = await call("chat.list", { status: "closed", limit: CLOSED_LOOKED_AT }, as(caller));
    const since = cursor.upTo - CLOCKS_MS;
    for (const { id, closedAt } of items)
      if (closedAt && Date.parse(closedAt) >= since && cursor.get(id) === undefined) throw new CannotResume();
  }

  return {
    async send(caller: Caller, cursor: StreamCursor, open: Record<string, number>, push: Push): Promise<void> {
      const { queued, changed, more } = await desk(caller, cursor.upTo - CLOCKS_MS);
      if (more) throw new CannotResume();
      if (!isAgent(caller)) await demandNoneUnseen(caller, cursor);
      const mine = changed.filter((one) => concerns(caller, one)).map(({ id, lastSeq }) => [id, lastSeq] as const);
      const wanted = cursor.wanted({ ...queued, ...Object.fromEntries(mine), ...open });
      const others = changed.filter(({ id }) => !wanted.has(id));
      await messages(caller, cursor, [...wanted], push);
      for (const conversation of others) await push("chat.conversation", { conversation });
      if (isAgent(caller)) await push("chat.queue", { length: Object.keys(queued).length });
      await notifications(caller, cursor, push);
    },

    /** Moves a new cursor to what is there now. */
    async skip(caller: Caller, cursor: StreamCursor, open: Record<string, number>): Promise<void> {
      const { queued } = await desk(caller, Date.now());
      for (const [conversationId, seq] of Object.entries({ ...queued, ...open })) cursor.reach(conversationId, seq);
      const { items, nextCursor } = await call("notification.list", { limit: MAX_NOTIFICATIONS }, as(caller));
      cursor.startAt(
        items.map(({ id }) => id),
        nextCursor !== null,
      );
    },
  };
}
