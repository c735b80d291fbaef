import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type Datastore from "@seald-io/nedb";
import { MemoryAdapter } from "moleculer-db";
import {
  type Change,
  type Collection,
  type CollectionOptions,
  clean,
  cleanChange,
  type Document,
  DuplicateKey,
  type Filter,
  type FindOptions,
  type OpenableCollection,
  type Store,
  sortSpec,
} from "./collection";
import { type DirectoryLock, lockDirectory } from "./lock";

/** Rewrite the file once it holds this many superseded lines, and more of them than documents. */
const COMPACT_AFTER = 50_000;

const isDuplicate = (error: unknown) =>
  error instanceof Error && "errorType" in error && error.errorType === "uniqueViolated";

/**
 * The embedded store: a NeDB file for each collection, through moleculer-db's adapter. A write is appended with one
 * write(2) before its promise resolves, so it survives the death of the process; NeDB does not fsync, so a power cut
 * may lose what the operating system had not written yet.
 */
class NedbCollection<T extends Document> implements OpenableCollection<T> {
  readonly name: string;
  private db: Datastore<T> | undefined;
  private appended = 0;

  constructor(
    private readonly options: CollectionOptions & { directory: string },
    private readonly store: NedbStore,
  ) {
    this.name = options.name;
  }

  async open(): Promise<void> {
    await mkdir(this.options.directory, { recursive: true });
    this.store.lock(this.options.directory);
    const adapter = new MemoryAdapter({ filename: join(this.options.directory, `${this.name}.db`) });
    await adapter.connect();
    // moleculer-db's types leave out the NeDB instance that its adapter carries.
    const { db } = adapter as unknown as { db: Datastore<T> };
    for (const { fields, unique = false, sparse = false } of this.options.indexes ?? []) {
      const [first] = fields;
      if (!first || (unique && fields.length > 1)) throw new Error(`${this.name}: a unique index has one field`);
      await db.ensureIndexAsync({ fieldName: first.replace(/^-/, ""), unique, sparse });
    }
    this.db = db;
  }

  async close(): Promise<void> {
    const db = this.db;
    this.db = undefined;
    // The executor is first in, first out: when this read is answered, every write before it is on its way to disk.
    await db?.findOneAsync({ _id: "" });
    this.store.unlock(this.options.directory);
  }

  async insert(document: T): Promise<T> {
    try {
      const inserted = await this.opened().insertAsync(clean(document));
      this.wrote();
      return inserted;
    } catch (error) {
      throw isDuplicate(error) ? new DuplicateKey(this.name) : error;
    }
  }

  get(id: string): Promise<T | null> {
    return this.findOne({ _id: id });
  }

  findOne(filter: Filter): Promise<T | null> {
    return this.opened().findOneAsync(clean(filter));
  }

  find(filter: Filter, { sort, limit, fields }: FindOptions = {}): Promise<T[]> {
    const found = this.opened().findAsync(clean(filter), Object.fromEntries((fields ?? []).map((field) => [field, 1])));
    const sorted = sort ? found.sort(sortSpec(sort)) : found;
    return (limit === undefined ? sorted : sorted.limit(limit)).execAsync();
  }

  count(filter: Filter): Promise<number> {
    return this.opened().countAsync(clean(filter));
  }

  async update(filter: Filter, change: Change): Promise<T | null> {
    try {
      const { affectedDocuments } = await this.opened().updateAsync(clean(filter), cleanChange(change), {
        multi: false,
        returnUpdatedDocs: true,
      });
      if (affectedDocuments) this.wrote();
      return affectedDocuments as T | null;
    } catch (error) {
      throw isDuplicate(error) ? new DuplicateKey(this.name) : error;
    }
  }

  async updateMany(filter: Filter, change: Change): Promise<number> {
    const { numAffected } = await this.opened().updateAsync(clean(filter), cleanChange(change), { multi: true });
    this.wrote(numAffected);
    return numAffected;
  }

  async remove(filter: Filter): Promise<number> {
    const removed = await this.opened().removeAsync(clean(filter), { multi: true });
    this.wrote(removed);
    return removed;
  }

  private opened(): Datastore<T> {
    if (!this.db) throw new Error(`${this.name} is not open`);
    return this.db;
  }

  private wrote(lines = 1): void {
    this.appended += lines;
    if (this.appended < COMPACT_AFTER) return;
    this.appended = 0;
    void this.compactIfWorthIt();
  }

  private async compactIfWorthIt(): Promise<void> {
    const db = this.opened();
    if ((await db.countAsync({})) < COMPACT_AFTER) await db.compactDatafileAsync();
  }
}

/** Files under `DATA_DIR/<service>/`; each service's folder belongs to one process at a time. */
export class NedbStore implements Store {
  private readonly held = new Map<string, { lock: DirectoryLock; users: number }>();

  constructor(private readonly dataDirectory: string) {}

  collection<T extends Document>(service: string, options: CollectionOptions): OpenableCollection<T> & Collection<T> {
    const directory = join(this.dataDirectory, service);
    return new NedbCollection<T>({ ...options, name: `${service}_${options.name}`, directory }, this);
  }

  async ping(): Promise<void> {}

  /** Takes the folder for this process, once however many collections are in it. Throws where another process has it. */
  lock(directory: string): void {
    const held = this.held.get(directory);
    if (held) held.users++;
    else this.held.set(directory, { lock: lockDirectory(directory), users: 1 });
  }

  unlock(directory: string): void {
    const held = this.held.get(directory);
    if (!held || --held.users > 0) return;
    this.held.delete(directory);
    held.lock.release();
  }
}
