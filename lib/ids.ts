import { uuidv7 } from "uuidv7";

/** A new opaque id, sortable by the time it was made (UUIDv7). */
export const newId = (): string => uuidv7();

/** When an id was made, in milliseconds since 1970. */
export const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
