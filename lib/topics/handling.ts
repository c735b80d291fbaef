import { setTimeout as delay } from "node:timers/promises";
import { type CloudEvent, UnreadableEvent } from "../events";
import { inRequest } from "../request-scope";
import { within } from "../time";
import { isTraceparent } from "../trace";
import { deadLetter } from "./dead-letters";
import { deadLettersOf, type Message, type Received } from "./topics";

const GIVE_UP_MS = 30_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** Milliseconds that one try may take. */
const TRY_MS = 10_000;

export interface Handling {
  topic: string;
  group: string;
  /** May be called again for the same event, at any time: its effect has to be once. What it rejects is tried again. */
  handler: (event: CloudEvent) => Promise<unknown>;
  publish: (topic: string, messages: Message[]) => Promise<void>;
  /** Milliseconds of failing after which a message counts as one that cannot be handled; by contract 30,000. */
  giveUpMs?: number;
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

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** What of a message's value is a CloudEvent that can be handled. Throws what is wrong with it. */
export function parseEvent(value: string): CloudEvent {
  const parsed: unknown = JSON.parse(value);
  if (typeof parsed !== "object" || parsed === null) throw new TypeError("is not a CloudEvent: no JSON object");
  const { specversion, id, type, source } = parsed as Partial<CloudEvent>;
  if (specversion !== "1.0") throw new TypeError("is not a CloudEvent of version 1.0");
  if (![id, type, source].every(isText)) throw new TypeError("is not a CloudEvent: id, type or source is missing");
  return parsed as CloudEvent;
}

/**
 * What a reader does with each message: tries until it is handled, with longer and longer pauses, and where that fails
 * for half a minute writes it to the dead letters, so that what is behind it goes on. Rejects only when `signal` ends it.
 */
export function handling(parts: Handling): (message: Received, signal: AbortSignal) => Promise<void> {
  const { handler, isAble, report, giveUpMs = GIVE_UP_MS } = parts;

  async function bury(message: Received, attempts: number, error: unknown, signal: AbortSignal): Promise<void> {
    const { topic, group, publish } = parts;
    const letter = deadLetter(message, { group, attempts, error });
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        await publish(deadLettersOf(topic), [letter]);
        return report.buried(message, error);
      } catch (failure) {
        report.unburied(failure);
        await delay(pause, undefined, { signal });
      }
    }
  }

  return async (message, signal) => {
    let event: CloudEvent;
    try {
      event = parseEvent(message.value);
    } catch (error) {
      return bury(message, 1, error, signal);
    }
    const scope = isTraceparent(event.traceparent) ? { traceparent: event.traceparent } : {};
    let failingMs = 0;
    let pause = FIRST_PAUSE_MS;
    for (let attempts = 1; ; attempts++) {
      const began = Date.now();
      try {
        await inRequest(scope, () => within(TRY_MS, () => handler(event)));
        return report.handled();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof UnreadableEvent) return bury(message, attempts, error, signal);
        const counts = await isAble();
        if (counts && failingMs + Date.now() - began >= giveUpMs) return bury(message, attempts, error, signal);
        report.retried(event, error);
        await delay(pause, undefined, { signal });
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
        if (counts) failingMs += Date.now() - began;
      }
    }
  };
}
