import { DuplicateKey, type Filter, type OpenableCollection, type Store } from "../../lib/store/collection";
import { now } from "../../lib/time";
import type { Reader } from "./access";
import { changing, type Message, messageId, searchTokens, withoutTextInId } from "./message";
import { fitting, PAGE_BYTES } from "./paging";

/** Messages of a conversation above one seq and up to another. */
const between = (conversationId: string, after: number, upTo: number): Filter => ({
  _id: { $gt: messageId(conversationId, after), $lte: messageId(conversationId, upTo) },
});
const seenBy = ({ agent }: Pick<Reader, "agent">): Filter => (agent ? {} : { kind: { $ne: "note" } });
const ofOthers = ({ id }: Pick<Reader, "id">): Filter => ({
  "sender.id": { $ne: id },
  deletedAt: { $exists: false },
});
/** What a view is made of: what a search needs stays where it is. */
const SHOWN = [
  ...["conversationId", "seq", "clientMsgId", "kind", "sender", "text"],
  ...["createdAt", "editedAt", "deletedAt"],
];

export interface Span {
  after: number;
  upTo: number;
  limit: number;
  /** Of them together; unless given, what an answer may have. */
  bytes?: number;
  /** Where there are more, those at the end; answered in order all the same. */
  newest?: boolean;
}

/** Messages: one document each. Who reads says up to which seq they are there. */
export function messageStore(store: Store) {
  const collection: OpenableCollection<Message> = store.collection<Message>("chat", {
    name: "messages",
    indexes: [
      { fields: ["key"], unique: true },
      { fields: ["changed"], sparse: true },
      { fields: ["conversationId", "tokens"], mongoOnly: true },
      { fields: ["sender.id"], mongoOnly: true },
    ],
  });

  return {
    collection,
    get: (id: string): Promise<Message | null> => collection.get(id),
    at: (conversationId: string, seq: number): Promise<Message | null> =>
      collection.get(messageId(conversationId, seq)),
    withKey: (key: string): Promise<Message | null> => collection.findOne({ key }),

    /** False where its place is taken, or it is there already. */
    async insert(message: Message): Promise<boolean> {
      try {
        await collection.insert(message);
        return true;
      } catch (error) {
        if (error instanceof DuplicateKey) return false;
        throw error;
      }
    },

    /** Takes away a message that nobody was ever shown. */
    discard: ({ _id, key }: Message): Promise<number> => collection.remove({ _id, key }),

    /** In order; at least one where there are some. */
    async page(
      conversationId: string,
      reader: Reader,
      { after, upTo, limit, bytes = PAGE_BYTES, newest = false }: Span,
    ) {
      const found = await collection.find(
        { ...between(conversationId, after, upTo), ...seenBy(reader) },
        { sort: [newest ? "-_id" : "_id"], limit: limit + 1, fields: SHOWN },
      );
      const items = fitting(found.slice(0, limit), bytes);
      return { items: newest ? items.reverse() : items, more: found.length > items.length };
    },

    /** Those up to `seq` that were edited or deleted when that was the last one, or later. */
    changedSince: (conversationId: string, reader: Reader, seq: number): Promise<Message[]> =>
      collection.find(
        {
          ...seenBy(reader),
          seq: { $lte: seq },
          changed: { $gte: messageId(conversationId, seq), $lte: changing(conversationId) },
        },
        { sort: ["_id"], fields: SHOWN },
      ),

    /** What others wrote and can still be read. */
    countOfOthers: (conversationId: string, reader: Reader, { after, upTo }: Omit<Span, "limit">): Promise<number> =>
      after >= upTo
        ? Promise.resolve(0)
        : collection.count({
            ...between(conversationId, after, upTo),
            kind: reader.agent ? { $in: ["message", "note"] } : "message",
            ...ofOthers(reader),
          }),

    /** When the first of those was sent that are no notes. */
    async oldestOfOthers(
      conversationId: string,
      reader: Reader,
      { after, upTo }: Omit<Span, "limit">,
    ): Promise<string | undefined> {
      if (after >= upTo) return undefined;
      const [oldest] = await collection.find(
        { ...between(conversationId, after, upTo), kind: "message", ...ofOthers(reader) },
        { sort: ["_id"], limit: 1, fields: ["createdAt"] },
      );
      return oldest?.createdAt;
    },

    /** Changes a message, or with null deletes it; null where it is deleted. The change is to be {@link placed} then. */
    rewrite(message: Message, text: string | null): Promise<Message | null> {
      const { _id, conversationId } = message;
      const at = now();
      const gone = { text: "", deletedAt: at, ...withoutTextInId(message) };
      const set = text === null ? gone : { text, editedAt: at, tokens: searchTokens(text) };
      return collection.update(
        { _id, deletedAt: { $exists: false } },
        {
          $set: { ...set, changed: changing(conversationId) },
          $inc: { version: 1 },
          ...(text === null && { $unset: { tokens: true } }),
        },
      );
    },

    /** What a user edited in a conversation since then. */
    editedBy: (conversationId: string, userId: string, since: string): Promise<Message[]> =>
      collection.find(
        {
          changed: { $gte: messageId(conversationId, 0), $lte: changing(conversationId) },
          "sender.id": userId,
          editedAt: { $gte: since },
        },
        { fields: ["text"] },
      ),

    /** Whoever has all up to `lastSeq`, read after the change, has read the message before it at the latest. */
    async placed({ _id, conversationId, version }: Message, lastSeq: number): Promise<void> {
      await collection.update(
        { _id, version },
        { $set: { changed: messageId(conversationId, lastSeq) } },
        { fields: [] },
      );
    },

    /** Which conversations have a message with all tokens in it, up to the seq that stands beside each. */
    async mentioned(
      lastSeqs: Map<string, number>,
      tokens: string[],
      reader: Pick<Reader, "agent">,
    ): Promise<Set<string>> {
      const found = await collection.find(
        {
          conversationId: { $in: [...lastSeqs.keys()] },
          ...seenBy(reader),
          $and: tokens.map((token) => ({ tokens: token })),
        },
        { fields: ["conversationId", "seq"] },
      );
      const there = found.filter(({ conversationId, seq }) => seq <= (lastSeqs.get(conversationId) ?? 0));
      return new Set(there.map(({ conversationId }) => conversationId));
    },

    /** Conversations that have a user's name at what they wrote. */
    async namedIn(userId: string): Promise<Set<string>> {
      const found = await collection.find(
        { "sender.id": userId, "sender.name": { $ne: "" } },
        { fields: ["conversationId"] },
      );
      return new Set(found.map(({ conversationId }) => conversationId));
    },

    /** The newest that a user wrote in a conversation. */
    newestOf: (conversationId: string, userId: string, { upTo, limit }: Omit<Span, "after">): Promise<Message[]> =>
      collection.find(
        { ...between(conversationId, 0, upTo), "sender.id": userId },
        { sort: ["-_id"], limit, fields: SHOWN },
      ),

    /**
     * What an erased user wrote in a conversation, at the latest seen with `lastSeq`; with `texts` that goes as well.
     * Answers how many were left to forget.
     */
    async forget(conversationId: string, userId: string, lastSeq: number, texts: boolean): Promise<number> {
      const theirs: Filter = { ...between(conversationId, 0, lastSeq + 1), "sender.id": userId };
      if (texts)
        for (const message of await collection.find({ ...theirs, clientMsgId: { $gte: "open-", $lt: "open." } }))
          await collection.update({ _id: message._id }, { $set: withoutTextInId(message) }, { fields: [] });
      return collection.updateMany(
        { ...theirs, $or: [{ "sender.name": { $ne: "" } }, ...(texts ? [{ text: { $ne: "" } }] : [])] },
        {
          $set: {
            "sender.name": "",
            changed: messageId(conversationId, lastSeq),
            ...(texts && { text: "", deletedAt: now() }),
          },
          $inc: { version: 1 },
          ...(texts && { $unset: { tokens: true } }),
        },
      );
    },
  };
}

export type MessageStore = ReturnType<typeof messageStore>;
