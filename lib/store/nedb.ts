import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type Datastore from "@seald-io/nedb";
import { unavailable } from "../errors";
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
  isNothing,
  type OpenableCollection,
  type Store,
  sortSpec,
} from "./collection";
import { type Datafile, loadDatafile } from "./datafile";
import { MODES } from "./files";
import { nedbQuery, writeFilter } from "./filter";
import { type DirectoryLock, lockDirectory } from "./lock";
import { countInOrder, findInOrder } from "./nedb-ordered";

/** Rewrite the file once it holds this many superseded lines, and more of them than documents. */
const COMPACT_AFTER = 50_000;
/** Milliseconds between two tries to load a file whose append failed. */
const RELOAD_EVERY_MS = 1000;

const isDuplicate = (error: unknown) =>
  error instanceof Error && "errorType" in error && error.errorType === "uniqueViolated";

/** A document's named fields, and its id. */
function picked<T extends Document>(document: T, fields: string[] | undefined): T {
  if (!fields) return document;
  const wanted = new Set(["_id", ...fields]);
  return Object.fromEntries(Object.entries(document).filter(([field]) => wanted.has(field))) as T;
}

const notStored = () => unavailable("STORE_UNAVAILABLE", "The store cannot be written to at the moment.");

/**
 * The embedded store: a NeDB file for each collection, through moleculer-db's adapter. A write is appended before its
 * promise resolves, so it survives the death of the process; NeDB does not fsync, so a power cut may lose what the
 * operating system had not written yet. After an append that failed (disk full) nothing is read or written until the
 * file could be loaded again, since NeDB's memory is then ahead of it.
 */
class NedbCollection<T extends Document> implements OpenableCollection<T> {
  readonly name: string;
  private file: Datafile<T> | undefined;
  private reloading: Promise<void> | undefined;
  private reloadedAt = 0;
  private appended = 0;

  constructor(
    private readonly options: CollectionOptions & { directory: string },
    private readonly store: NedbStore,
  ) {
    this.name = options.name;
  }

  async open(): Promise<void> {
    await mkdir(this.options.directory, { recursive: true, mode: MODES.dirMode });
    this.store.enter(this.options.directory, this);
    try {
      this.file = await this.load();
    } catch (error) {
      this.store.leave(this.options.directory, this);
      throw error;
    }
  }

  async close(): Promise<void> {
    const file = this.file;
    if (!file) return;
    this.file = undefined;
    await this.reloading;
    // The executor is first in, first out: when this read is answered, every write before it is on its way to disk.
    await file.db.findOneAsync({ _id: "" });
    file.close();
    this.store.leave(this.options.directory, this);
  }

  async insert(document: T): Promise<T> {
    const inserted = await this.run((db) => db.insertAsync(clean(document)));
    this.wrote();
    return inserted;
  }

  async insertMany(documents: T[]): Promise<number> {
    if (documents.length === 0) return 0;
    try {
      await this.run((db) => db.insertAsync(documents.map(clean)));
      this.wrote(documents.length);
      return documents.length;
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error;
    }
    const results = await Promise.allSettled(documents.map((document) => this.insert(document)));
    for (const result of results)
      if (result.status === "rejected" && !(result.reason instanceof DuplicateKey)) throw result.reason;
    return results.filter((result) => result.status === "fulfilled").length;
  }

  get(id: string): Promise<T | null> {
    return this.findOne({ _id: id });
  }

  findOne(filter: Filter): Promise<T | null> {
    return this.run((db) => db.findOneAsync(nedbQuery(filter)).execAsync());
  }

  find(filter: Filter, options: FindOptions = {}): Promise<T[]> {
    const { sort, limit, fields } = options;
    return this.run((db) => {
      const query = nedbQuery(filter);
      const found = db.findAsync<T>(query, Object.fromEntries((fields ?? []).map((field) => [field, 1])));
      const sorted = sort ? found.sort(sortSpec(sort)) : found;
      return findInOrder(db, query, options, limit === undefined ? sorted : sorted.limit(limit));
    });
  }

  count(filter: Filter): Promise<number> {
    return this.run((db) => countInOrder(db, nedbQuery(filter)));
  }

  async update(filter: Filter, change: Change, { fields }: Pick<FindOptions, "fields"> = {}): Promise<T | null> {
    const cleaned = cleanChange(change);
    const query = nedbQuery(writeFilter(filter));
    if (isNothing(cleaned)) return this.findOne(filter);
    const { affectedDocuments } = await this.run((db) =>
      db.updateAsync(query, cleaned, { multi: false, returnUpdatedDocs: true }),
    );
    if (!affectedDocuments) return null;
    this.wrote();
    return picked(affectedDocuments as unknown as T, fields);
  }

  async updateMany(filter: Filter, change: Change): Promise<number> {
    const cleaned = cleanChange(change);
    const query = nedbQuery(writeFilter(filter));
    if (isNothing(cleaned)) return this.count(filter);
    const { numAffected } = await this.run((db) => db.updateAsync(query, cleaned, { multi: true }));
    this.wrote(numAffected);
    return numAffected;
  }

  async remove(filter: Filter): Promise<number> {
    const query = nedbQuery(writeFilter(filter));
    const removed = await this.run((db) => db.removeAsync(query, { multi: true }));
    this.wrote(removed);
    return removed;
  }

  /** Resolves when the file is as good as its memory, after loading it again where it was not. */
  async check(): Promise<void> {
    await this.usable();
  }

  private load(): Promise<Datafile<T>> {
    return loadDatafile<T>(join(this.options.directory, `${this.name}.db`), this.options.indexes ?? []);
  }

  private async run<R>(work: (db: Datastore<T>) => Promise<R>): Promise<R> {
    const file = await this.usable();
    try {
      const result = await work(file.db);
      if (file.failure) throw notStored();
      return result;
    } catch (error) {
      if (file.failure) throw notStored();
      throw isDuplicate(error) ? new DuplicateKey(this.name) : error;
    }
  }

  private async usable(): Promise<Datafile<T>> {
    if (this.file?.failure) {
      this.reloading ??= this.reload().finally(() => {
        this.reloading = undefined;
      });
      await this.reloading;
    }
    if (!this.file) throw new Error(`${this.name} is not open`);
    if (this.file.failure) throw notStored();
    return this.file;
  }

  private async reload(): Promise<void> {
    if (Date.now() - this.reloadedAt < RELOAD_EVERY_MS) return;
    this.reloadedAt = Date.now();
    const loaded = await this.load().catch(() => undefined);
    if (!loaded) return;
    // Closed meanwhile: then the fresh one is of no use either.
    if (!this.file) return loaded.close();
    this.file.close();
    this.file = loaded;
  }

  private wrote(lines = 1): void {
    this.appended += lines;
    if (this.appended < COMPACT_AFTER) return;
    this.appended = 0;
    void this.compactIfWorthIt().catch(() => undefined);
  }

  private async compactIfWorthIt(): Promise<void> {
    if ((await this.count({})) < COMPACT_AFTER) await this.run((db) => db.compactDatafileAsync());
  }
}

interface Checked {
  readonly name: string;
  check(): Promise<void>;
}

/** Files under `DATA_DIR/<service>/`; each service's folder belongs to one process at a time. */
export class NedbStore implements Store {
  private readonly held = new Map<string, { lock: DirectoryLock; users: Set<Checked> }>();

  constructor(private readonly dataDirectory: string) {}

  collection<T extends Document>(service: string, options: CollectionOptions): OpenableCollection<T> & Collection<T> {
    const directory = join(this.dataDirectory, service);
    return new NedbCollection<T>({ ...options, name: `${service}_${options.name}`, directory }, this);
  }

  async ping(): Promise<void> {
    const users = [...this.held.values()].flatMap((held) => [...held.users]);
    await Promise.all(users.map((user) => user.check()));
  }

  /** Takes the folder for this process, once however many collections are in it. Throws where another process has it. */
  enter(directory: string, user: Checked): void {
    const held = this.held.get(directory) ?? { lock: lockDirectory(directory), users: new Set() };
    // Two copies of one file in memory would undo each other's writes.
    if ([...held.users].some(({ name }) => name === user.name)) throw new Error(`${user.name} is open already`);
    held.users.add(user);
    this.held.set(directory, held);
  }

  leave(directory: string, user: Checked): void {
    const held = this.held.get(directory);
    held?.users.delete(user);
    if (!held || held.users.size > 0) return;
    this.held.delete(directory);
    held.lock.release();
  }
}
