import { type Reader, visibleSeq } from "./access";
import type { ConversationView } from "./chat.schema";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { MessageStore } from "./message.store";

/** A conversation as one reader sees it. Labels are agents' words about it, not the customer's to read. */
export function conversationView(
  conversation: Conversation,
  reader: Reader,
  { unread, queuePosition }: { unread: number; queuePosition?: number },
): ConversationView {
  const { _id: id, customer, agent, orderId, subject, status, labels, createdAt, closedAt, rating } = conversation;
  return {
    id,
    customer,
    agent,
    ...(orderId !== undefined && { orderId }),
    ...(subject !== undefined && { subject }),
    status,
    lastSeq: visibleSeq(conversation, reader),
    unread,
    labels: reader.agent ? labels : [],
    ...(queuePosition !== undefined && { queuePosition }),
    createdAt,
    ...(closedAt !== undefined && { closedAt }),
    ...(rating !== undefined && { rating }),
  };
}

/** More than these are counted together. */
const FEW = 3;

/** Views with what is counted for them: what the reader has not read, and how many wait before. */
export function conversationViews(conversations: ConversationStore, messages: MessageStore) {
  const unreadSpan = (conversation: Conversation, reader: Reader) => ({
    after: conversation.reads[reader.id] ?? 0,
    upTo: visibleSeq(conversation, reader),
  });

  const unread = (conversation: Conversation, reader: Reader): Promise<number> =>
    messages.countOfOthers(conversation._id, reader, unreadSpan(conversation, reader));

  /** When the oldest message was sent that the reader has not read; notes are none. */
  const oldestUnread = (conversation: Conversation, reader: Reader): Promise<string | undefined> =>
    messages.oldestOfOthers(conversation._id, reader, unreadSpan(conversation, reader));

  async function positions(shown: Conversation[]): Promise<Map<string, number>> {
    const waiting = shown.flatMap(({ place }) => place ?? []);
    if (waiting.length > FEW) return new Map((await conversations.places()).map((place, i) => [place, i + 1]));
    const counted = waiting.map(async (place) => [place, (await conversations.countBefore(place)) + 1] as const);
    return new Map(await Promise.all(counted));
  }

  async function many(shown: { conversation: Conversation; reader: Reader }[]): Promise<ConversationView[]> {
    const places = await positions(shown.map(({ conversation }) => conversation));
    return Promise.all(
      shown.map(async ({ conversation, reader }) =>
        conversationView(conversation, reader, {
          unread: await unread(conversation, reader),
          // Whoever left the queue since it was read is not in it.
          queuePosition: conversation.place === undefined ? undefined : places.get(conversation.place),
        }),
      ),
    );
  }

  async function one(conversation: Conversation, reader: Reader): Promise<ConversationView> {
    const [place] = (await positions([conversation])).values();
    return conversationView(conversation, reader, { unread: await unread(conversation, reader), queuePosition: place });
  }

  return { unread, oldestUnread, many, one };
}

export type ConversationViews = ReturnType<typeof conversationViews>;
