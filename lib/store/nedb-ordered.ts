import type Datastore from "@seald-io/nedb";
import type { Document, FindOptions } from "./collection";
import { fieldOf, type NedbIndex, type TreeNode } from "./nedb-index";

type Query = Record<string, unknown>;
type Bound = "$gt" | "$gte" | "$lt" | "$lte";
const BOUNDS: readonly string[] = ["$gt", "$gte", "$lt", "$lte"] satisfies Bound[];

/** A query for one field between bounds of one type, and nothing else. */
interface Range {
  field: string;
  type: string;
  bounds: { [B in Bound]?: unknown };
}

/** What NeDB's types leave out. */
interface Inside {
  indexes: Record<string, NedbIndex>;
  executor: { pushAsync<R>(task: () => Promise<R>): Promise<R> };
  _getCandidatesAsync(query: Query): Promise<Document[]>;
}
interface InsideCursor<R> {
  db: Inside;
  _execAsync(): Promise<R>;
}

const insideOf = <T extends Document>(db: Datastore<T>) => db as unknown as Inside;

/** Undefined where the query is anything else, or of a field within a field. */
function rangeOf(query: Query): Range | undefined {
  const [only, ...others] = Object.entries(query);
  if (!only || others.length > 0) return undefined;
  const [field, bounds] = only;
  if (/^\$|\./.test(field) || typeof bounds !== "object" || bounds === null) return undefined;
  const [type, ...further] = new Set(Object.values(bounds).map((bound) => typeof bound));
  if ((type !== "string" && type !== "number") || further.length > 0) return undefined;
  return Object.keys(bounds).every((name) => BOUNDS.includes(name)) ? { field, type, bounds } : undefined;
}

/** Shows `visit` the nodes of a range in ascending order, until it says false. */
function walk(node: TreeNode | null, range: Range, visit: (node: TreeNode) => boolean): boolean {
  if (!node) return true;
  const { $gt, $gte, $lt, $lte } = range.bounds;
  const to = (bound: unknown) => node.compareKeys(node.key, bound);
  const isAbove = ($gt === undefined || to($gt) > 0) && ($gte === undefined || to($gte) >= 0);
  const isBelow = ($lt === undefined || to($lt) < 0) && ($lte === undefined || to($lte) <= 0);
  if (isAbove && !walk(node.left, range, visit)) return false;
  // Between a text and no other bound there are also the values that NeDB sorts behind all texts.
  if (isAbove && isBelow && typeof node.key === range.type && !visit(node)) return false;
  return !isBelow || walk(node.right, range, visit);
}

/** NeDB puts a document into the index at each element of a list, but sorts it by the list as a whole. */
const isAtElement = (document: Document, { field }: Range, { key }: TreeNode) => fieldOf(document, field) !== key;

/** The first documents of a range; undefined where the index's order is not theirs. */
function firstOf({ tree }: NedbIndex, range: Range, limit: number): Document[] | undefined {
  const found: Document[] = [];
  const isPlain = walk(tree.tree, range, (node) => {
    for (const document of node.data) {
      if (found.length === limit) break;
      if (isAtElement(document, range, node)) return false;
      found.push(document);
    }
    return found.length < limit;
  });
  return isPlain || found.length === limit ? found : undefined;
}

function countOf({ tree }: NedbIndex, range: Range): number | undefined {
  let count = 0;
  const isPlain = walk(tree.tree, range, (node) => {
    count += node.data.length;
    return !node.data.some((document) => isAtElement(document, range, node));
  });
  return isPlain ? count : undefined;
}

/**
 * Finds as NeDB does. Of a range in its own order, with a limit, NeDB would gather and sort all there is, whatever the
 * limit; so such a cursor is given no more to choose from than the first of the index.
 */
export function findInOrder<T extends Document>(
  db: Datastore<T>,
  query: Query,
  { sort, limit }: FindOptions,
  cursor: Datastore.Cursor<T[]>,
): Promise<T[]> {
  const range = rangeOf(query);
  if (range && limit && sort?.length === 1 && sort[0] === range.field) {
    const inside = insideOf(db);
    const candidates = async () => {
      const index = inside.indexes[range.field];
      return (index && firstOf(index, range, limit)) ?? inside._getCandidatesAsync(query);
    };
    const narrowed: Inside = Object.create(inside, { _getCandidatesAsync: { value: candidates } });
    (cursor as unknown as InsideCursor<T[]>).db = narrowed;
  }
  return cursor.execAsync();
}

/** Counts as NeDB does; of a range without gathering what it counts. */
export function countInOrder<T extends Document>(db: Datastore<T>, query: Query): Promise<number> {
  const cursor = db.countAsync(query) as unknown as InsideCursor<number>;
  const range = rangeOf(query);
  const { executor, indexes } = insideOf(db);
  return executor.pushAsync(async () => {
    const index = range && indexes[range.field];
    return (index && countOf(index, range)) ?? cursor._execAsync();
  });
}
