import type { Caller } from "../../lib/actions";
import type { Static } from "../../lib/schema";
import { forAgentsOnly, isAgent, readerOf, visibleSeq } from "./access";
import type { DeskNews, Synced } from "./chat.schema";
import type { ConversationStore } from "./conversation.store";
import { messageView } from "./message";
import type { MessageStore } from "./message.store";
import { bytesOfAll, PAGE_BYTES } from "./paging";
import type { ConversationViews } from "./view";

/** New messages in one answer. What was edited comes on top, or a page of edits would be asked for again and again. */
export const SYNC_PAGE = 500;

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  views: ConversationViews;
}

/** Those with new messages first, as answering them moves their cursors on, and of the others not always the same ones. */
function inTurn<S extends { isBehind: boolean }>(shown: S[]): S[] {
  const others = shown.filter(({ isBehind }) => !isBehind);
  const first = Math.floor(Math.random() * others.length);
  return [...shown.filter(({ isBehind }) => isBehind), ...others.slice(first), ...others.slice(0, first)];
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
  const found = await conversations.visible(Object.keys(cursors), isAgent(caller) ? undefined : caller.id);
  const synced: Static<typeof Synced> = { messages: [], conversations: [], more: false };
  const shown = found.map((conversation) => {
    const reader = readerOf(conversation, caller);
    const last = visibleSeq(conversation, reader);
    const cursor = cursors[conversation._id] ?? 0;
    return { conversation, reader, last, cursor, isBehind: cursor < last };
  });
  let room = SYNC_PAGE;
  let bytes = PAGE_BYTES;
  for (const { conversation, reader, last, cursor, isBehind } of inTurn(shown)) {
    if (bytes <= 0 || (isBehind && room === 0)) {
      synced.more = true;
      continue;
    }
    const { _id: id } = conversation;
    const changed = cursor > 0 ? await messages.changedSince(id, reader, Math.min(cursor, last)) : [];
    bytes -= bytesOfAll(changed);
    const above = isBehind
      ? await messages.page(id, reader, { after: cursor, upTo: last, limit: room, bytes })
      : { items: [], more: false };
    synced.messages.push(...[...changed, ...above.items].map(messageView));
    synced.more ||= above.more;
    room -= above.items.length;
    bytes -= bytesOfAll(above.items);
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
