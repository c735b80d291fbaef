import { type CloudEvent, UnreadableEvent } from "../events";
import { inRequest } from "../request-scope";
import { within } from "../time";
import { isTraceparent } from "../trace";
import { deadLetter, withoutValue } from "./dead-letters";
import { deadLettersOf, type Message, MessageTooLarge, type Pause, type Reader, type Received } from "./topics";

const GIVE_UP_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** Milliseconds that one try may take, and that it then has to end before another one begins beside it. */
const TRY_MS = 10_000;
const END_MS = 10_000;

export interface Handling {
  topic: string;
  group: string;
  /**
   * May be called again for the same event, at any time: its effect has to be once. What it rejects is tried again.
   * `signal` aborts after 10 s and when the reader is closed; a try that has not ended 10 s later is given up, and may
   * finish beside the next one.
   */
  handler: (event: CloudEvent, signal: AbortSignal) => Promise<unknown>;
  /** Wraps each try, in the scope of the event's trace. */
  around?: (event: CloudEvent, message: Received, attempt: () => Promise<unknown>) => Promise<unknown>;
  publish: (topic: string, messages: Message[], signal: AbortSignal) => Promise<void>;
  /** Milliseconds of failing after which a message counts as one that cannot be handled; by contract 30,000. */
  giveUpMs?: number;
  /** Milliseconds of a try, and of waiting for its end; by default 10,000 each. */
  tryMs?: number;
  endMs?: number;
  /** Whether the node has what it needs; while it has not, no try counts against the message. */
  isAble: () => Promise<boolean>;
  report: {
    handled: () => void;
    retried: (event: CloudEvent, error: unknown) => void;
    buried: (message: Received, error: unknown) => void;
    /** The dead letter could not be written; it will be, or the message comes again. */
    unburied: (error: unknown) => void;
  };
}

interface Waiting {
  signal: AbortSignal;
  wait: Pause;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** What of a message's value is a CloudEvent that can be handled. Throws what is wrong with it. */
export function parseEvent(value: string): CloudEvent {
  const parsed: unknown = JSON.parse(value);
  if (typeof parsed !== "object" || parsed === null) throw new TypeError("is not a CloudEvent: no JSON object");
  const { specversion, id, type, source, subject, data } = parsed as Partial<CloudEvent>;
  if (specversion !== "1.0") throw new TypeError("is not a CloudEvent of version 1.0");
  if (![id, type, source].every(isText)) throw new TypeError("is not a CloudEvent: id, type or source is missing");
  // A CloudEvent may lack these; ours have them, and what handles them relies on it.
  if (!isText(subject)) throw new TypeError("says nothing of its subject");
  if (typeof data !== "object" || data === null || Array.isArray(data)) throw new TypeError("has no data");
  return parsed as CloudEvent;
}

/**
 * What a reader does with each message: tries until it is handled, with longer and longer pauses, and where that fails
 * for half a minute writes it to the dead letters, so that what is behind it goes on. Rejects only when `signal` ends it.
 */
export function handling(parts: Handling): Reader["handle"] {
  const { handler, report, giveUpMs = GIVE_UP_MS, tryMs = TRY_MS, endMs = END_MS } = parts;
  const { around = (_event, _message, attempt) => attempt() } = parts;
  let asked: Promise<boolean> | undefined;

  /** All that fail at once share one answer. */
  function isAble(): Promise<boolean> {
    asked ??= parts.isAble().finally(() => {
      asked = undefined;
    });
    return asked;
  }

  async function attempt(event: CloudEvent, message: Received, closing: AbortSignal): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`not handled within ${tryMs} ms`)), tryMs);
    const signal = AbortSignal.any([closing, late.signal]);
    const scope = isTraceparent(event.traceparent) ? { traceparent: event.traceparent } : {};
    try {
      const handled = () => within(tryMs + endMs, () => handler(event, signal));
      await inRequest(scope, () => around(event, message, handled));
    } finally {
      clearTimeout(timer);
    }
  }

  async function bury(message: Received, attempts: number, error: unknown, { signal, wait }: Waiting): Promise<void> {
    const { topic, group, publish } = parts;
    let letter = deadLetter(message, { group, attempts, error });
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await publish(deadLettersOf(topic), [letter], signal);
        return report.buried(message, error);
      } catch (failure) {
        signal.throwIfAborted();
        // One that no topic takes would hold up its partition for ever.
        if (failure instanceof MessageTooLarge) letter = withoutValue(letter);
        report.unburied(failure);
        await wait(pause);
      }
    }
  }

  return async (message, signal, wait) => {
    const waiting = { signal, wait };
    let event: CloudEvent;
    try {
      event = parseEvent(message.value);
    } catch (error) {
      return bury(message, 1, error, waiting);
    }
    let failingMs = 0;
    let pause = FIRST_PAUSE_MS;
    for (let attempts = 1; ; attempts++) {
      const began = Date.now();
      try {
        await attempt(event, message, signal);
        return report.handled();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof UnreadableEvent) return bury(message, attempts, error, waiting);
        const counts = await isAble();
        if (counts && failingMs + Date.now() - began >= giveUpMs) return bury(message, attempts, error, waiting);
        report.retried(event, error);
        await wait(pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        if (counts) failingMs += Date.now() - began;
      }
    }
  };
}
