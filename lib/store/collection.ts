/** A stored aggregate: a plain object with a string id. Values are what JSON has; times are RFC 3339 strings. */
export interface Document {
  _id: string;
}

type Scalar = string | number | boolean | null;

export interface Operators {
  $gt?: Scalar;
  $gte?: Scalar;
  $lt?: Scalar;
  $lte?: Scalar;
  $ne?: Scalar;
  $in?: Scalar[];
  $nin?: Scalar[];
  $exists?: boolean;
}

/**
 * A query of the subset that both stores answer alike. Keys are fields or dotted paths; arrays match by element, null
 * fits a missing field too. A condition that is undefined is left out of a read and refused in a write.
 */
export type Filter = { [path: string]: Scalar | Operators | Filter[] | undefined } & {
  $and?: Filter[];
  $or?: Filter[];
};

/** An update of the subset that both stores do alike; every key is a field or a dotted path. */
export interface Change {
  $set?: Record<string, unknown>;
  $unset?: Record<string, true>;
  $inc?: Record<string, number>;
  /** A value, or `{ $each: [...] }` for several. */
  $push?: Record<string, unknown>;
  $addToSet?: Record<string, unknown>;
  /** A value, or the conditions of those that go; the array has to be there. */
  $pull?: Record<string, unknown>;
  $min?: Record<string, string | number>;
  $max?: Record<string, string | number>;
}

export interface Index {
  /** In order; a name with `-` before it descends. The embedded store indexes the first field only, unless unique. */
  fields: string[];
  unique?: boolean;
  /** Documents without the field are left out, also of a unique index. */
  sparse?: boolean;
  /** Many documents share a value: an index for MongoDB, a burden for the embedded store, whose writes search the list. */
  mongoOnly?: boolean;
}

export interface CollectionOptions {
  /** The collection's name, the service's name before it: `order_carts`. */
  name: string;
  indexes?: Index[];
}

export interface FindOptions {
  /**
   * Fields in order, `-` before it for descending. With a limit, and between bounds of its first index field, ascending
   * and by nothing else, a find looks at no more documents than it answers.
   */
  sort?: string[];
  limit?: number;
  /** Only these fields (and `_id`). */
  fields?: string[];
}

/** An insert or update met another document that has the same value in a unique index. */
export class DuplicateKey extends Error {
  override readonly name = "DuplicateKey";
  constructor(readonly collection: string) {
    super(`a document with the same unique value is already in ${collection}`);
  }
}

/**
 * One collection of plain documents. Every write is one conditional write to one document, atomic on either store, and
 * is on disk (or, embedded, with the operating system) when its promise resolves. No read is followed by a blind write.
 */
export interface Collection<T extends Document> {
  readonly name: string;
  /** Throws {@link DuplicateKey}. */
  insert(document: T): Promise<T>;
  /** Inserts each that meets no other with the same unique value; answers how many. */
  insertMany(documents: T[]): Promise<number>;
  get(id: string): Promise<T | null>;
  findOne(filter: Filter): Promise<T | null>;
  find(filter: Filter, options?: FindOptions): Promise<T[]>;
  count(filter: Filter): Promise<number>;
  /** Changes one document that fits the filter; answers it, or these fields, as it is afterwards, null where none fits. */
  update(filter: Filter, change: Change, options?: Pick<FindOptions, "fields">): Promise<T | null>;
  /** Changes each that fits, one by one; answers how many. */
  updateMany(filter: Filter, change: Change): Promise<number>;
  /** Removes all that fit; answers how many. */
  remove(filter: Filter): Promise<number>;
}

/** A collection that a service opens at its start and closes at its end. */
export interface OpenableCollection<T extends Document> extends Collection<T> {
  /** Connects and makes the indexes; nothing may be asked before it resolves. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** The store that the environment chose; makes collections and knows whether it can be reached. */
export interface Store {
  collection<T extends Document>(service: string, options: CollectionOptions): OpenableCollection<T>;
  /** Resolves when the store answers, rejects when it does not. */
  ping(): Promise<void>;
}

/** `["a", "-b"]` as `{ a: 1, b: -1 }`. */
export const sortSpec = (fields: string[]): Record<string, 1 | -1> =>
  Object.fromEntries(fields.map((field) => (field.startsWith("-") ? [field.slice(1), -1] : [field, 1])));

const stripped = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(stripped);
  return typeof value === "object" && value !== null ? clean(value) : value;
};

/** A copy without fields that are undefined, at any depth: the stores would keep, drop or null them, each in its own way. */
export const clean = <O extends object>(object: O): O => {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object)) if (value !== undefined) copy[key] = stripped(value);
  return copy as O;
};

/** A change of nothing: NeDB would take it for an empty document to put in the old one's place. */
export const isNothing = (change: Change): boolean => Object.keys(change).length === 0;

export const cleanChange = (change: Change): Change => {
  const cleaned = Object.entries(change)
    .map(([operator, fields]): [string, object] => [operator, clean(fields ?? {})])
    .filter(([, fields]) => Object.keys(fields).length > 0);
  return Object.fromEntries(cleaned);
};
