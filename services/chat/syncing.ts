import type { Caller } from "../../lib/actions";
import type { Static } from "../../lib/schema";
import { forAgentsOnly, isAgent, readerOf, visibleSeq } from "./access";
import type { DeskNews, Synced } from "./chat.schema";
import type { ConversationStore } from "./conversation.store";
import { messageView } from "./message";
import type { MessageStore } from "./message.store";
import type { ConversationViews } from "./view";

/** New messages in one answer. What was edited comes on top, or a page of edits would be asked for again and again. */
export const SYNC_PAGE = 500;

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  views: ConversationViews;
}

/**
 * What a client lacks that has each conversation up to its cursor: what is above, and what was edited or deleted while
 * that was the last one or later. A conversation that the page has no room for is left to the next call, whole.
 */
export async function synchronised(
  { conversations, messages, views }: Parts,
  caller: Caller,
  cursors: Record<string, number>,
): Promise<Static<typeof Synced>> {
  const ids = Object.keys(cursors);
  const found = await conversations.visible(ids, isAgent(caller) ? undefined : caller.id);
  const synced: Static<typeof Synced> = { messages: [], conversations: [], more: false };
  const shown = found.map((conversation) => ({ conversation, reader: readerOf(conversation, caller) }));
  let room = SYNC_PAGE;
  for (const { conversation, reader } of shown) {
    const { _id: id } = conversation;
    const cursor = cursors[id] ?? 0;
    const last = visibleSeq(conversation, reader);
    if (cursor < last && room === 0) {
      synced.more = true;
      continue;
    }
    const [changed, above] = await Promise.all([
      cursor > 0 ? messages.changedSince(id, reader, Math.min(cursor, last)) : [],
      cursor < last
        ? messages.page(id, reader, { after: cursor, upTo: last, limit: room })
        : { items: [], more: false },
    ]);
    synced.messages.push(...[...changed, ...above.items].map(messageView));
    synced.more ||= above.more;
    room -= above.items.length;
  }
  synced.conversations = await views.many(shown);
  return synced;
}

/** Of more than these, an agent's client does better to load anew. */
const MOST_TOLD = 200;

/** What a client lacks that was told of all that agents are told of, up to a time. */
export async function deskNews(
  { conversations, views }: Omit<Parts, "messages">,
  caller: Caller,
  since: string,
): Promise<Static<typeof DeskNews>> {
  if (!isAgent(caller)) throw forAgentsOnly();
  const [waiting, changed] = await Promise.all([
    conversations.queue("", MOST_TOLD + 1),
    conversations.changedSince(since, MOST_TOLD + 1),
  ]);
  const shown = changed.slice(0, MOST_TOLD);
  return {
    queued: Object.fromEntries(
      waiting.slice(0, MOST_TOLD).map((one) => [one._id, visibleSeq(one, readerOf(one, caller))]),
    ),
    changed: await views.many(shown.map((conversation) => ({ conversation, reader: readerOf(conversation, caller) }))),
    more: waiting.length > MOST_TOLD || changed.length > MOST_TOLD,
  };
}
