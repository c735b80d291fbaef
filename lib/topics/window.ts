import { EventEmitter, once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { within } from "../time";
import type { Reader, Received } from "./topics";

/** Messages, and characters of their values, that one reader has of one partition in memory at once. */
const MESSAGES = 256;
const CHARACTERS = 1024 * 1024;
/** Messages that one reader handles at once, whatever partitions they are of. */
const AT_ONCE = 64;
/** How far it reads beyond a message that cannot be finished; what was handled beyond it is repeated after a crash. */
const AHEAD = 10_000;
const RETRY_MS = 1000;

/** What one reader handles at once, in all its windows; each gets its turn. */
export class Slots {
  private taken = 0;
  private readonly waiting = new Set<() => void>();

  /** Takes one; where none is free, `start` is called when one is. */
  take(start: () => void): boolean {
    if (this.taken < AT_ONCE) {
      this.taken += 1;
      return true;
    }
    this.waiting.add(start);
    return false;
  }

  /** Takes one as soon as there is one, or at once where there is no time to wait any more. */
  retake(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const start = () => {
        if (!this.take(start)) return;
        signal.removeEventListener("abort", atOnce);
        resolve();
      };
      const atOnce = () => {
        if (this.waiting.delete(start)) this.taken += 1;
        resolve();
      };
      start();
      if (!this.waiting.has(start)) return;
      if (signal.aborted) atOnce();
      else signal.addEventListener("abort", atOnce, { once: true });
    });
  }

  give(): void {
    this.taken -= 1;
    // One that has ended meanwhile takes none, so that the next has its turn.
    for (const start of this.waiting) {
      if (this.taken >= AT_ONCE) return;
      this.waiting.delete(start);
      start();
    }
  }
}

export interface WindowParts {
  reader: Reader;
  signal: AbortSignal;
  logger: ServiceBroker["logger"];
  slots: Slots;
  /** Told the offset before which, without a gap, all is finished. */
  advance: (done: number) => void;
}

/**
 * What a reader has read and not finished of one partition. Each key's messages are handled one after the other, the keys beside each
 * other; what is rejected comes again after a second, before what follows on its key.
 */
export class Window {
  /** In the order of their offsets. */
  private readonly unfinished = new Map<number, Received>();
  private characters = 0;
  private readonly lanes = new Map<string, Received[]>();
  private readonly ready: Received[][] = [];
  private readonly running = new Set<Promise<void>>();
  private readonly finished = new EventEmitter();

  private over = false;

  constructor(
    private readonly parts: WindowParts,
    /** Offset of the message that is expected next. */
    private next: number,
  ) {}

  /** How many messages there is room for. */
  get room(): number {
    if (this.characters >= CHARACTERS || this.next - this.done >= AHEAD) return 0;
    return MESSAGES - this.unfinished.size;
  }

  add(message: Received): void {
    this.next = message.offset + 1;
    this.unfinished.set(message.offset, message);
    this.characters += message.value.length;
    const lane = this.lanes.get(message.key);
    if (lane) {
      lane.push(message);
      return;
    }
    const begun = [message];
    this.lanes.set(message.key, begun);
    this.ready.push(begun);
    this.start();
  }

  /** Resolves when another message is finished, or the signal aborts. */
  async change(): Promise<void> {
    await once(this.finished, "message", { signal: this.parts.signal }).catch(() => undefined);
  }

  /**
   * Waits at most `ms` for what is being handled; the signal has aborted before, so that nothing begins. What ends later
   * does not count as finished, and comes again.
   */
  async end(ms: number): Promise<void> {
    const { reader, logger } = this.parts;
    await within(ms, () => Promise.all(this.running)).catch(() =>
      logger.debug(`${reader.group} at ${reader.topic} is still handling what it has to let go`),
    );
    this.over = true;
  }

  private get done(): number {
    const [oldest = this.next] = this.unfinished.keys();
    return oldest;
  }

  private readonly start = (): void => {
    const { slots, signal } = this.parts;
    while (this.ready.length > 0 && !signal.aborted && slots.take(this.start)) {
      const run = this.step(this.ready.shift()).finally(() => {
        this.running.delete(run);
        slots.give();
        this.start();
      });
      this.running.add(run);
    }
  };

  private async step(lane: Received[] = []): Promise<void> {
    const { reader, signal, advance } = this.parts;
    const [message] = lane;
    if (!message) return;
    try {
      await reader.handle(message, signal, this.pause);
    } catch (error) {
      if (!signal.aborted) this.retry(lane, message, error);
      return;
    }
    if (this.over) return;
    lane.shift();
    if (lane.length > 0) this.ready.push(lane);
    else this.lanes.delete(message.key);
    this.unfinished.delete(message.offset);
    this.characters -= message.value.length;
    advance(this.done);
    this.finished.emit("message");
  }

  /** Gives its slot back for a while. What is closed meanwhile has it at once, to end with it. */
  private readonly pause = async (ms: number): Promise<void> => {
    const { slots, signal } = this.parts;
    slots.give();
    try {
      await delay(ms, undefined, { signal });
    } finally {
      await slots.retake(signal);
    }
  };

  private retry(lane: Received[], { topic, offset }: Received, error: unknown): void {
    const { reader, logger } = this.parts;
    logger.warn(`${reader.group} rejected message ${offset} of ${topic}, which comes again: ${error}`);
    const again = () => {
      this.ready.push(lane);
      this.start();
    };
    setTimeout(again, RETRY_MS).unref();
  }
}
