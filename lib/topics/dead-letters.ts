import type { Message, Received } from "./topics";

/** What a letter says about itself, beside the headers that its message had. */
export const LETTER_HEADERS = {
  topic: "x-origin-topic",
  partition: "x-origin-partition",
  offset: "x-origin-offset",
  group: "x-group",
  attempts: "x-attempts",
  error: "x-error",
} as const;

/** Characters of an error that a letter keeps. */
const ERROR_LENGTH = 500;

const oneLine = (error: unknown): string =>
  String(error)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, ERROR_LENGTH)
    .toWellFormed();

/** What could not be handled, for the dead letters of its topic: key, value and headers as they were, and why. */
export const deadLetter = (
  { topic, partition, offset, key, value, headers }: Received,
  { group, attempts, error }: { group: string; attempts: number; error: unknown },
): Message => ({
  key,
  value,
  headers: {
    ...headers,
    [LETTER_HEADERS.topic]: topic,
    [LETTER_HEADERS.partition]: String(partition),
    [LETTER_HEADERS.offset]: String(offset),
    [LETTER_HEADERS.group]: group,
    [LETTER_HEADERS.attempts]: String(attempts),
    [LETTER_HEADERS.error]: oneLine(error),
  },
});
