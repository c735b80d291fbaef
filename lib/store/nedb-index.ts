import type { Document } from "./collection";

interface Pair {
  oldDoc: Document;
  newDoc: Document;
}

/** One value of a field, and the documents that have it. */
export interface TreeNode {
  key: unknown;
  data: Document[];
  left: TreeNode | null;
  right: TreeNode | null;
  compareKeys(a: unknown, b: unknown): number;
}

/** What NeDB's indexes are inside: a tree from a field's value to the documents that have it. */
export interface NedbIndex {
  fieldName: string;
  tree: { tree: TreeNode; search(value: unknown): Document[] };
  updateMultipleDocs(pairs: Pair[]): void;
}

export const fieldOf = (document: Document, field: string): unknown =>
  (document as unknown as Record<string, unknown>)[field];

/** Puts the new document where the old one stands; false where its place in the index is another one, or none. */
function replaced({ fieldName, tree }: NedbIndex, { oldDoc, newDoc }: Pair): boolean {
  const value = fieldOf(oldDoc, fieldName);
  if (value !== fieldOf(newDoc, fieldName) || typeof value === "object" || fieldName.includes(".")) return false;
  if (value === undefined) return false;
  const there = tree.search(value);
  const place = there.indexOf(oldDoc);
  if (place < 0) return false;
  there[place] = newDoc;
  return true;
}

/**
 * NeDB takes a changed document out of each of its indexes and puts it in again, whatever changed. Most writes here
 * leave most indexed fields alone, and then exchanging the document in its place will do: that halves the time in its
 * trees, which was an eighth of a checkout's (`npm run bench`).
 */
export function keepPlaces(index: NedbIndex): void {
  const update = index.updateMultipleDocs.bind(index);
  index.updateMultipleDocs = (pairs) => {
    const [only] = pairs;
    if (pairs.length !== 1 || only === undefined || !replaced(index, only)) update(pairs);
  };
}
