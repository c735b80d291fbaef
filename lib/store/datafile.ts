import { closeSync, openSync } from "node:fs";
import type Datastore from "@seald-io/nedb";
import { MemoryAdapter } from "moleculer-db";
import type { Document, Index } from "./collection";
import { dropTornLine, MODES, writeAll } from "./files";
import { keepPlaces, type NedbIndex } from "./nedb-index";

/** One NeDB file. Once `failure` is set its memory may hold what the disk does not, and must not be asked any more. */
export interface Datafile<T extends Document> {
  readonly db: Datastore<T>;
  readonly failure: Error | undefined;
  close(): void;
}

/** NeDB ends a line at each of these too, and would cut a document in two at one in a text; JSON may escape them. */
const escapeLineEnds = (line: string) =>
  line.replace(/[\x85\u2028\u2029]/g, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * One write(2) into the page cache: some microseconds, where NeDB's own open, write and close take three turns of the
 * thread pool while every later write to the collection waits.
 */
function appendLines(file: number, documents: unknown[]): void {
  const lines = documents.map((document) => `${escapeLineEnds(JSON.stringify(document))}\n`).join("");
  writeAll(file, Buffer.from(lines));
}

async function ensureIndexes<T extends Document>(db: Datastore<T>, indexes: Index[]): Promise<void> {
  for (const { fields, unique = false, sparse = false, mongoOnly = false } of indexes) {
    if (mongoOnly) continue;
    const [first] = fields;
    if (!first || (unique && fields.length > 1)) throw new Error(`a unique index has one field: ${fields}`);
    await db.ensureIndexAsync({ fieldName: first.replace(/^-/, ""), unique, sparse });
  }
}

/**
 * Loads a file, indexes included. A line in its midst that cannot be read is refused, never skipped. NeDB changes its
 * memory before it appends, so the first append that fails makes the datafile unusable: load it again then.
 */
export async function loadDatafile<T extends Document>(filename: string, indexes: Index[]): Promise<Datafile<T>> {
  await dropTornLine(filename);
  const adapter = new MemoryAdapter({
    filename,
    modes: MODES,
    corruptAlertThreshold: 0,
    afterSerialization: escapeLineEnds,
    beforeDeserialization: (line: string) => line,
    testSerializationHooks: false,
  });
  await adapter.connect();
  // moleculer-db's types leave out the NeDB instance that its adapter carries, NeDB's the two writers of its files.
  const { db } = adapter as unknown as { db: Datastore<T> };
  const persistence = db.persistence as unknown as Writers;
  const rewrite = persistence.persistCachedDatabaseAsync.bind(persistence);
  let end = openSync(filename, "a", MODES.fileMode);
  let failure: Error | undefined;
  persistence.persistNewStateAsync = async (documents) => {
    if (failure) throw failure;
    try {
      appendLines(end, documents);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw error;
    }
  };
  persistence.persistCachedDatabaseAsync = async () => {
    if (failure) throw failure;
    // It goes to another file, which then takes this one's name: when it fails, the old one is still there and complete.
    await rewrite();
    closeSync(end);
    end = openSync(filename, "a", MODES.fileMode);
  };
  await ensureIndexes(db, indexes);
  // NeDB's types leave its indexes out.
  for (const index of Object.values((db as unknown as { indexes: Record<string, NedbIndex> }).indexes))
    keepPlaces(index);
  return {
    db,
    get failure() {
      return failure;
    },
    close: () => closeSync(end),
  };
}

interface Writers {
  persistNewStateAsync: (documents: unknown[]) => Promise<void>;
  persistCachedDatabaseAsync: () => Promise<void>;
}
