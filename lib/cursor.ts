import { invalid } from "./errors";

export type CursorKey = string | number;

/** A page's end as an opaque string: the values of the sort keys of its last row. */
export const encodeCursor = (keys: CursorKey[]): string => Buffer.from(JSON.stringify(keys)).toString("base64url");

/** The sort keys in a cursor that {@link encodeCursor} made. Throws 422 VALIDATION for any other string. */
export function decodeCursor(cursor: string, length: number): CursorKey[] {
  try {
    const keys: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    if (Array.isArray(keys) && keys.length === length && keys.every((k) => ["string", "number"].includes(typeof k)))
      return keys;
  } catch {
    // falls through to the one answer for all that is no cursor
  }
  throw invalid([{ path: "cursor", message: "is not a cursor of this list" }]);
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Cuts `limit + 1` rows down to a page: the extra row only tells that there is a next one. */
export function toPage<T>(rows: T[], limit: number, keysOf: (row: T) => CursorKey[]): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last ? encodeCursor(keysOf(last)) : null };
}
