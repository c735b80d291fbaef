import { uuidv7 } from "uuidv7";

/** A new opaque id, sortable by the time it was made (UUIDv7). */
export const newId = (): string => uuidv7();

/** What ids begin with that are made at a time, in milliseconds since 1970: below all of them, above all before. */
export const firstIdAt = (at: number): string => {
  const hex = Math.max(0, at).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
};

/** When an id was made, in milliseconds since 1970. */
export const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
