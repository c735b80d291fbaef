import { randomBytes } from "node:crypto";

/** W3C Trace Context, version 00: trace id and parent id, neither of them all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export const isTraceparent = (text: unknown): text is string => typeof text === "string" && TRACEPARENT.test(text);

export const newSpanId = (): string => randomBytes(8).toString("hex");

/** A trace of its own; what is not sampled is carried all the same, and its spans are not kept. */
export const newTraceparent = (sampled = true): string =>
  `00-${randomBytes(16).toString("hex")}-${newSpanId()}-${sampled ? "01" : "00"}`;

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const spanIdOf = (traceparent: string): string => traceparent.slice(36, 52);

/** The last bit of the flags; the others have no meaning yet and are passed on. */
export const isSampled = (traceparent: string): boolean => Number.parseInt(traceparent.slice(53), 16) % 2 === 1;

/** The same trace with another span as the parent of what follows. */
export const withSpan = (traceparent: string, spanId: string): string =>
  `${traceparent.slice(0, 36)}${spanId}${traceparent.slice(52)}`;
