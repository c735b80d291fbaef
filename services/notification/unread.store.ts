import { newId } from "../../lib/ids";
import { currentTrace } from "../../lib/request-scope";
import { type Document, DuplicateKey, type Store } from "../../lib/store/collection";
import { after, now } from "../../lib/time";

/** Messages that are told together where they are still unread at `at`. */
interface Batch {
  id: string;
  /** RFC 3339. */
  at: string;
}

/** What a user has been sent in a conversation. */
export interface Unread extends Document {
  conversationId: string;
  userId: string;
  /** Whether they are the agent in it. */
  isAgent: boolean;
  /** The newest message that we know of: older ones are repetitions, as events come in order per conversation. */
  seq: number;
  /** The event by which they got the conversation last: its repetition begins nothing. */
  handover?: string;
  batch?: Batch;
  seenAt: string;
  due?: string;
  traceparent?: string;
}

/** Why a user may have something to read. */
export interface Occasion {
  eventId: string;
  conversationId: string;
  userId: string;
  isAgent: boolean;
  /** RFC 3339: when it is to be told if it is unread. */
  tellAt: string;
}

export interface SentMessage extends Occasion {
  seq: number;
}

const TRIES = 20;
const REMEMBER_MS = 60 * 24 * 3600 * 1000;

/** Messages that may have to be told of later, a batch for each reader of a conversation. */
export function unreadStore(store: Store) {
  const unread = store.collection<Unread>("notification", {
    name: "unread",
    indexes: [{ fields: ["due"], sparse: true }, { fields: ["seenAt"] }, { fields: ["userId"], mongoOnly: true }],
  });

  async function put(
    { eventId, conversationId, userId, isAgent, tellAt }: Occasion,
    news: Pick<Unread, "seq"> | Pick<Unread, "handover">,
    isKnown: (known: Unread) => boolean,
  ): Promise<void> {
    const _id = `${conversationId}:${userId}`;
    const begun = { batch: { id: eventId, at: tellAt }, due: tellAt, ...currentTrace() };
    for (let tries = 0; tries < TRIES; tries++) {
      const known = await unread.get(_id);
      if (known && isKnown(known)) return;
      const seen = { ...news, isAgent, seenAt: now() };
      if (!known) {
        try {
          await unread.insert({ _id, conversationId, userId, seq: 0, ...seen, ...begun });
          return;
        } catch (error) {
          if (!(error instanceof DuplicateKey)) throw error;
        }
      } else if (known.batch) {
        const joined = { _id, seq: known.seq, "batch.id": known.batch.id };
        if (await unread.update(joined, { $set: seen }, { fields: [] })) return;
      } else {
        const alone = { _id, seq: known.seq, batch: { $exists: false } };
        if (await unread.update(alone, { $set: { ...seen, ...begun } }, { fields: [] })) return;
      }
    }
    throw new Error(`others changed ${_id} ${TRIES} times`);
  }

  return {
    unread,

    /** Joins the batch that waits or begins one; a message that is known already changes nothing. */
    note: ({ seq, ...occasion }: SentMessage): Promise<void> => put(occasion, { seq }, (known) => known.seq >= seq),

    /** The same for an agent who got the conversation: what came before is theirs to read. */
    handedOver: (occasion: Occasion): Promise<void> =>
      put(occasion, { handover: occasion.eventId }, ({ handover }) => handover === occasion.eventId),

    /** The batch is not to be told before `at`. */
    async postpone({ _id, batch }: Unread, at: string): Promise<void> {
      if (batch)
        await unread.update({ _id, "batch.id": batch.id }, { $set: { "batch.at": at, due: at } }, { fields: [] });
    },

    /** The batch is told or was read; what joined it meanwhile is the next one, to be looked at after `ms`. */
    async done({ _id, seq, batch }: Unread, ms: number): Promise<void> {
      if (!batch) return;
      const over = { $unset: { batch: true, due: true, traceparent: true } } as const;
      if (await unread.update({ _id, seq, "batch.id": batch.id }, over, { fields: [] })) return;
      const at = after(ms);
      await unread.update(
        { _id, "batch.id": batch.id },
        { $set: { batch: { id: newId(), at }, due: at } },
        { fields: [] },
      );
    },

    erase: (userId: string) => unread.remove({ userId }),
    forget: () => unread.remove({ seenAt: { $lt: after(-REMEMBER_MS) } }),
  };
}

export type UnreadStore = ReturnType<typeof unreadStore>;
