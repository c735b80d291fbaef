import type { Caller } from "../../lib/actions";
import { decodeCursor, encodeCursor } from "../../lib/cursor";
import type { Static } from "../../lib/schema";
import { queryTokens } from "../../lib/search";
import type { Filter } from "../../lib/store/collection";
import { isAgent, type Reader, readerOf, visibleSeq } from "./access";
import type { ListParams } from "./chat.schema";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { MessageStore } from "./message.store";

type Params = Static<typeof ListParams>;

/** Conversations that a search looks through at once, and for one page at most: what is left is the next page's. */
const BATCH = 100;
const MAX_BATCHES = 10;

interface Found {
  items: { conversation: Conversation; reader: Reader }[];
  nextCursor: string | null;
}

/** Agents see all and search those that they have or had; customers have none but their own. */
function filterOf(caller: Caller, { status, assignee, q }: Params): Filter {
  if (!isAgent(caller)) return { "customer.id": caller.id, status };
  const mine = q === undefined ? {} : { agents: caller.id };
  if (assignee === "me") return { ...mine, status, "agent.id": caller.id };
  return { ...mine, status, ...(assignee === "none" && { agent: null }) };
}

/** A page of what the caller may see, newest first. A page of a search may be short, and there is another one yet. */
export async function listConversations(
  { conversations, messages }: { conversations: ConversationStore; messages: MessageStore },
  caller: Caller,
  params: Params,
): Promise<Found> {
  const { q, limit, cursor } = params;
  const filter = filterOf(caller, params);
  const withReader = (conversation: Conversation) => ({ conversation, reader: readerOf(conversation, caller) });
  let before = cursor === undefined ? undefined : String(decodeCursor(cursor, 1)[0]);

  if (q === undefined) {
    const rows = await conversations.list(filter, { before, limit: limit + 1 });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items: items.map(withReader), nextCursor: rows.length > limit && last ? encodeCursor([last._id]) : null };
  }

  const tokens = queryTokens(q);
  // Signs alone are in no message.
  if (tokens.length === 0) return { items: [], nextCursor: null };
  const items: Found["items"] = [];
  for (let i = 0; i < MAX_BATCHES; i++) {
    const batch = await conversations.list(filter, { before, limit: BATCH });
    if (batch.length === 0) return { items, nextCursor: null };
    const reader = { agent: isAgent(caller) };
    const lastSeqs = new Map(batch.map((conversation) => [conversation._id, visibleSeq(conversation, reader)]));
    const mentioned = await messages.mentioned(lastSeqs, tokens, reader);
    for (const conversation of batch.filter(({ _id }) => mentioned.has(_id))) {
      items.push(withReader(conversation));
      if (items.length === limit) return { items, nextCursor: encodeCursor([conversation._id]) };
    }
    before = batch.at(-1)?._id;
    if (batch.length < BATCH) return { items, nextCursor: null };
  }
  return { items, nextCursor: before === undefined ? null : encodeCursor([before]) };
}
