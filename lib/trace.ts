import { randomBytes } from "node:crypto";

/** W3C Trace Context, version 00: trace id and parent id, neither of them all zeros. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export const isTraceparent = (text: unknown): text is string => typeof text === "string" && TRACEPARENT.test(text);

/** A trace of its own, sampled. */
export const newTraceparent = (): string =>
  `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
