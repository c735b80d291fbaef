import { uuidv7 } from "uuidv7";

/** A new opaque id, sortable by the time it was made (UUIDv7). */
export const newId = (): string => uuidv7();
