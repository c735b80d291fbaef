import type { Message } from "./topics";

/** A message as its line in a segment has it. */
export interface Stored extends Message {
  /** Dense: one more than that of the line before. */
  offset: number;
  /** Milliseconds since 1970 when it was published. */
  time: number;
}

/** JSON writes a line end within a text as an escape, so that each message is one line. */
export const toLine = ({ key, value, headers }: Message, offset: number, time: number): string =>
  `${JSON.stringify({ offset, key, value, headers, time } satisfies Stored)}\n`;

/** Undefined where the line is not one that {@link toLine} wrote. */
export function fromLine(line: string): Stored | undefined {
  try {
    const found: unknown = JSON.parse(line);
    return isStored(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

const isStored = (found: unknown): found is Stored =>
  typeof found === "object" &&
  found !== null &&
  "offset" in found &&
  Number.isSafeInteger(found.offset) &&
  "time" in found &&
  typeof found.time === "number" &&
  "key" in found &&
  typeof found.key === "string" &&
  "value" in found &&
  typeof found.value === "string" &&
  "headers" in found &&
  typeof found.headers === "object" &&
  found.headers !== null;
