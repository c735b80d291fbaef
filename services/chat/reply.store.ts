import { conflict, notFound } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { type Document, DuplicateKey, type Store } from "../../lib/store/collection";

export interface Reply extends Document {
  shortcut: string;
  title: string;
  text: string;
}

const taken = () => conflict("SHORTCUT_TAKEN", "Another canned reply has this shortcut.");
const noSuchReply = () => notFound("REPLY_NOT_FOUND", "There is no such canned reply.");

const unique = async <R>(write: () => Promise<R>): Promise<R> => {
  try {
    return await write();
  } catch (error) {
    throw error instanceof DuplicateKey ? taken() : error;
  }
};

/** What agents say often, shared by all of them; each by its shortcut. */
export function replyStore(store: Store) {
  const collection = store.collection<Reply>("chat", {
    name: "canned_replies",
    indexes: [{ fields: ["shortcut"], unique: true }],
  });

  return {
    collection,
    all: (): Promise<Reply[]> => collection.find({}, { sort: ["shortcut"] }),

    /** 409 SHORTCUT_TAKEN. */
    add: (fields: Omit<Reply, "_id">): Promise<Reply> => unique(() => collection.insert({ _id: newId(), ...fields })),

    /** 404 REPLY_NOT_FOUND, 409 SHORTCUT_TAKEN. */
    async change(id: string, fields: Partial<Omit<Reply, "_id">>): Promise<Reply> {
      const changed = await unique(() => collection.update({ _id: id }, { $set: fields }));
      if (!changed) throw noSuchReply();
      return changed;
    },

    /** 404 REPLY_NOT_FOUND. */
    async remove(id: string): Promise<void> {
      if ((await collection.remove({ _id: id })) === 0) throw noSuchReply();
    },
  };
}

export type ReplyStore = ReturnType<typeof replyStore>;
