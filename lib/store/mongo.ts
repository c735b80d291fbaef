import MongooseAdapter from "moleculer-db-adapter-mongoose";
import { type Connection, createConnection, type Model, mongo, Schema } from "mongoose";
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
  type Index,
  isNothing,
  type OpenableCollection,
  type Store,
  sortSpec,
} from "./collection";
import { cleanFilter, writeFilter } from "./filter";

const isDuplicate = (error: unknown) => error instanceof Error && "code" in error && error.code === 11000;

/** The outcome of a write is then unknown: whoever asked asks again, every write here may be done twice. */
const isAway = (error: unknown) => error instanceof Error && AWAY.includes(error.name);
const AWAY = [
  "MongoServerSelectionError",
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoNotConnectedError",
  "MongoTopologyClosedError",
  "MongoPoolClearedError",
];

/**
 * Shapes are checked where they come in, so this names only the id's type and the indexes. `strictQuery` must be off:
 * with it mongoose drops conditions on fields that the schema does not name, and a conditional write would hit all.
 */
function schemaOf(indexes: Index[]): Schema {
  const schema = new Schema(
    { _id: String },
    { strict: false, strictQuery: false, versionKey: false, minimize: false, autoIndex: false, autoCreate: false },
  );
  for (const { fields, unique, sparse } of indexes)
    schema.index(sortSpec(fields), { ...(unique && { unique }), ...(sparse && { sparse }) });
  return schema;
}

/** What this file uses of moleculer-db's mongoose adapter, whose own types want mongoose documents. */
interface Adapter {
  model: Model<unknown>;
  removeMany(query: object): Promise<number>;
  createCursor(params: object): ReturnType<Model<unknown>["find"]>;
}

/** The adapter's own `connect` uses mongoose's one global connection, which services would close under each other. */
function adapterFor(model: Model<unknown>): Adapter {
  const adapter = new MongooseAdapter("") as unknown as Adapter;
  adapter.model = model;
  return adapter;
}

class MongoCollection<T extends Document> implements OpenableCollection<T> {
  readonly name: string;
  private adapter: Adapter | undefined;

  constructor(
    private readonly options: CollectionOptions,
    private readonly store: MongoStore,
  ) {
    this.name = options.name;
  }

  async open(): Promise<void> {
    const connection = await this.store.acquire();
    try {
      if (connection.models[this.name]) connection.deleteModel(this.name);
      const model = connection.model(this.name, schemaOf(this.options.indexes ?? []), this.name);
      await model.createIndexes();
      this.adapter = adapterFor(model as unknown as Model<unknown>);
    } catch (error) {
      await this.store.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (!this.adapter) return;
    this.adapter = undefined;
    await this.store.release();
  }

  async insert(document: T): Promise<T> {
    const cleaned = clean(document);
    // Not through a mongoose document: a field called `errors` or `collection` would meet its own members.
    await this.asked(() => this.documents().insertOne(cleaned));
    return cleaned;
  }

  async insertMany(documents: T[]): Promise<number> {
    if (documents.length === 0) return 0;
    try {
      return (await this.documents().insertMany(documents.map(clean), { ordered: false })).insertedCount;
    } catch (error) {
      if (!(error instanceof mongo.MongoBulkWriteError) || !isDuplicate(error)) throw error;
      return documents.length - [error.writeErrors].flat().length;
    }
  }

  get(id: string): Promise<T | null> {
    return this.findOne({ _id: id });
  }

  findOne(filter: Filter): Promise<T | null> {
    return this.asked(() => this.opened().model.findOne(cleanFilter(filter)).lean<T>().exec());
  }

  find(filter: Filter, { sort, limit, fields }: FindOptions = {}): Promise<T[]> {
    const cursor = this.opened().createCursor({ query: cleanFilter(filter), sort, limit });
    return this.asked(() => (fields ? cursor.select(fields) : cursor).lean<T[]>().exec());
  }

  count(filter: Filter): Promise<number> {
    return this.asked(() => this.opened().model.countDocuments(cleanFilter(filter)).exec());
  }

  async update(filter: Filter, change: Change, { fields }: Pick<FindOptions, "fields"> = {}): Promise<T | null> {
    const cleaned = cleanChange(change);
    const query = writeFilter(filter);
    if (isNothing(cleaned)) return this.findOne(filter);
    const options = {
      new: true,
      ...(fields && { projection: Object.fromEntries(["_id", ...fields].map((f) => [f, 1])) }),
    };
    return this.asked(() => this.opened().model.findOneAndUpdate(query, cleaned, options).lean<T>().exec());
  }

  async updateMany(filter: Filter, change: Change): Promise<number> {
    const cleaned = cleanChange(change);
    const query = writeFilter(filter);
    if (isNothing(cleaned)) return this.count(filter);
    const { matchedCount } = await this.asked(() => this.opened().model.updateMany(query, cleaned).exec());
    return matchedCount;
  }

  async remove(filter: Filter): Promise<number> {
    const query = writeFilter(filter);
    return this.asked(() => this.opened().removeMany(query));
  }

  private documents(): mongo.Collection<{ _id: string }> {
    return this.opened().model.collection as unknown as mongo.Collection<{ _id: string }>;
  }

  private opened(): Adapter {
    if (!this.adapter) throw new Error(`${this.name} is not open`);
    return this.adapter;
  }

  /** Tells a duplicate, and a server that is away, from whatever else can go wrong. */
  private async asked<R>(operation: () => Promise<R>): Promise<R> {
    try {
      return await operation();
    } catch (error) {
      if (isDuplicate(error)) throw new DuplicateKey(this.name);
      throw isAway(error) ? unavailable("STORE_UNAVAILABLE", "The store cannot be reached at the moment.") : error;
    }
  }
}

/** One connection for all collections of a node; opened with the first, closed with the last. */
export class MongoStore implements Store {
  private connection: Promise<Connection> | undefined;
  private users = 0;

  constructor(private readonly url: string) {}

  collection<T extends Document>(service: string, options: CollectionOptions): OpenableCollection<T> & Collection<T> {
    return new MongoCollection<T>({ ...options, name: `${service}_${options.name}` }, this);
  }

  async ping(): Promise<void> {
    const connection = await this.connection;
    await connection?.db?.command({ ping: 1 });
  }

  async acquire(): Promise<Connection> {
    this.connection ??= createConnection(this.url, {
      serverSelectionTimeoutMS: 2000,
      writeConcern: { w: "majority", journal: true },
    }).asPromise();
    const connection = this.connection;
    this.users++;
    try {
      return await connection;
    } catch (error) {
      this.users--;
      if (this.connection === connection) this.connection = undefined;
      throw error;
    }
  }

  async release(): Promise<void> {
    if (--this.users > 0) return;
    const connection = await this.connection;
    this.connection = undefined;
    await connection?.close();
  }
}
