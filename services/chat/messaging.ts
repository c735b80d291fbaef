import { crashPoint } from "../../lib/crash";
import type { ShopError } from "../../lib/errors";
import { conversationClosed } from "./access";
import { type Conversation, isOpen, messageCommitted } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import type { Delivery } from "./delivery";
import { type Draft, type Message, messageKey, nextMessage, type Sender } from "./message";
import type { MessageStore } from "./message.store";
import { inTurns } from "./turns";

export interface Sent {
  message: Message;
  conversation: Conversation;
  /** False for one that was there already. */
  isNew: boolean;
}

interface Prepared {
  conversation: Conversation;
  draft: Draft;
  /** Why it may not be written in a conversation as it is. One that was written already is answered all the same. */
  refused: (now: Conversation) => ShopError | undefined;
}

interface Parts {
  conversations: ConversationStore;
  messages: MessageStore;
  delivery: Delivery;
  /** An agent answered for the first time. */
  answered?: (seconds: number) => void;
}

const secondsToAnswer = ({ createdAt, firstResponseAt = createdAt }: Conversation): number =>
  (Date.parse(firstResponseAt) - Date.parse(createdAt)) / 1000;

const SYSTEM: Sender = { id: "system", name: "System", role: "system" };

/**
 * A message is stored at the next place of its conversation, then committed: one conditional write makes its seq the
 * conversation's last one and carries the event. What is above the last seq is not there for any reader; whoever finds
 * such a message, left by a dead node or one that is about to go on, commits it first. So seqs are dense, each message
 * has one, and each event goes out once and in order.
 */
export function messaging({ conversations, messages, delivery, answered }: Parts) {
  /** Racing on one node would cost writes that fail: here they wait for each other. */
  const inTurn = inTurns();

  async function reread({ _id }: Conversation): Promise<Conversation> {
    const conversation = await conversations.get(_id);
    if (!conversation) throw new Error(`conversation ${_id} is gone`);
    return conversation;
  }

  /** The message's conversation once the message is a part of it. 409 CONVERSATION_CLOSED: then it never will be. */
  async function commit(message: Message, found: Conversation): Promise<Conversation> {
    let conversation = found;
    while (conversation.lastSeq < message.seq) {
      if (!isOpen(conversation)) {
        await messages.discard(message);
        throw conversationClosed();
      }
      const next =
        conversation.lastSeq + 1 === message.seq
          ? message
          : await messages.at(conversation._id, conversation.lastSeq + 1);
      if (!next) throw new Error(`conversation ${conversation._id} has no message after ${conversation.lastSeq}`);
      const committed = await conversations.apply(messageCommitted(conversation, next));
      crashPoint("chat.committed");
      if (committed) delivery.message(conversation, next);
      if (committed?.firstResponseAt && !conversation.firstResponseAt) answered?.(secondsToAnswer(committed));
      conversation = committed ?? (await reread(conversation));
    }
    return conversation;
  }

  async function alreadySent(conversation: Conversation, draft: Draft): Promise<Sent | undefined> {
    const message = await messages.withKey(messageKey(conversation._id, draft));
    if (!message) return undefined;
    // Read again: what was read before the message was found may be older than it.
    return { message, conversation: await commit(message, await reread(conversation)), isNew: false };
  }

  async function store({ conversation: found, draft, refused }: Prepared): Promise<Sent> {
    let conversation = found;
    for (;;) {
      const refusal = refused(conversation);
      if (!refusal) {
        const message = nextMessage(conversation, draft);
        if (await messages.insert(message)) {
          crashPoint("chat.stored");
          return { message, conversation: await commit(message, conversation), isNew: true };
        }
      }
      const sent = await alreadySent(conversation, draft);
      if (sent) return sent;
      if (refusal) throw refusal;
      const inTheWay = await messages.at(conversation._id, conversation.lastSeq + 1);
      conversation = await (inTheWay ? commit(inTheWay, conversation) : reread(conversation));
    }
  }

  return {
    /** Stores a message, or finds it by its client's id; resolves when it will not be lost. `prepare` runs in its turn. */
    send: (conversationId: string, prepare: () => Promise<Prepared>): Promise<Sent> =>
      inTurn(conversationId, async () => store(await prepare())),

    /** What the shop itself says, once for each key. Throws 409 CONVERSATION_CLOSED. */
    say: ({ conversation, key, text }: { conversation: Conversation; key: string; text: string }): Promise<Sent> =>
      inTurn(conversation._id, () =>
        store({
          conversation,
          draft: { clientMsgId: key, text, kind: "system", sender: SYSTEM },
          refused: (now) => (isOpen(now) ? undefined : conversationClosed()),
        }),
      ),
  };
}

export type Messaging = ReturnType<typeof messaging>;
