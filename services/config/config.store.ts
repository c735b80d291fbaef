import { decodeCursor, type Page, toPage } from "../../lib/cursor";
import { type Document, DuplicateKey, type Store } from "../../lib/store/collection";
import type { Change, Entry } from "./config";

/** One version: what it changed, and all that is set over REST after it. Never changed, never removed. */
export interface Version extends Document {
  version: number;
  /** RFC 3339. */
  at: string;
  /** The admin's id. */
  by: string;
  label: string;
  application: string;
  profile: string;
  rollbackTo?: number;
  changes: Change[];
  entries: Entry[];
}

const BEGINNING: Version = {
  _id: "",
  version: 0,
  at: "",
  by: "",
  label: "",
  application: "",
  profile: "",
  changes: [],
  entries: [],
};

/** Ids sort as the numbers do. */
const idOf = (version: number): string => String(version).padStart(10, "0");

/** The history of configuration: its newest document is what holds, and the next one can be written once. */
export function configStore(store: Store) {
  const collection = store.collection<Version>("config", { name: "versions" });
  let known = BEGINNING._id;

  return {
    collection,

    /** Version 0, without entries, before the first change. */
    async latest(): Promise<Version> {
      const [newest] = await collection.find({ _id: { $gte: known } }, { sort: ["-_id"], limit: 1 });
      known = newest?._id ?? BEGINNING._id;
      return newest ?? BEGINNING;
    },

    at: (version: number): Promise<Version | null> =>
      version === 0 ? Promise.resolve(BEGINNING) : collection.get(idOf(version)),

    /** The version after `current`; null where somebody else has written it. */
    async append(current: Version, next: Omit<Version, "_id" | "version">): Promise<Version | null> {
      const version = current.version + 1;
      try {
        return await collection.insert({ ...next, _id: idOf(version), version });
      } catch (error) {
        if (error instanceof DuplicateKey) return null;
        throw error;
      }
    },

    /** The newest first. */
    async history({ limit, cursor }: { limit: number; cursor?: string }): Promise<Page<Version>> {
      const [before] = cursor === undefined ? [] : decodeCursor(cursor, 1).map(String);
      const filter = before === undefined ? {} : { _id: { $lt: before } };
      return toPage(await collection.find(filter, { sort: ["-_id"], limit: limit + 1 }), limit, ({ _id }) => [_id]);
    },
  };
}

export type ConfigStore = ReturnType<typeof configStore>;
