import { EventEmitter, once } from "node:events";
import type { ServiceBroker } from "moleculer";
import type { Reader, Received } from "./topics";

/** Messages, and characters of their values, that one reader has in memory at once. */
const MESSAGES = 256;
const CHARACTERS = 1024 * 1024;
/** Messages of it that are handled at once. */
const AT_ONCE = 64;
/** How far it reads beyond a message that cannot be finished; what was handled beyond it is repeated after a crash. */
const AHEAD = 10_000;
const RETRY_MS = 1000;

/**
 * What a reader has read and not finished. Each key's messages are handled one after the other, the keys beside each
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

  constructor(
    private readonly reader: Reader,
    private readonly signal: AbortSignal,
    private readonly logger: ServiceBroker["logger"],
    /** Offset of the message that is expected next. */
    private next: number,
    /** Told the offset before which, without a gap, all is finished. */
    private readonly advance: (done: number) => void,
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
    await once(this.finished, "message", { signal: this.signal }).catch(() => undefined);
  }

  /** Resolves when nothing is being handled any more; the signal has aborted before, so that nothing begins. */
  async ended(): Promise<void> {
    await Promise.all(this.running);
  }

  private get done(): number {
    const [oldest = this.next] = this.unfinished.keys();
    return oldest;
  }

  private start(): void {
    while (this.running.size < AT_ONCE && !this.signal.aborted) {
      const lane = this.ready.shift();
      if (!lane) return;
      const run = this.step(lane).finally(() => {
        this.running.delete(run);
        this.start();
      });
      this.running.add(run);
    }
  }

  private async step(lane: Received[]): Promise<void> {
    const [message] = lane;
    if (!message) return;
    try {
      await this.reader.handle(message, this.signal);
    } catch (error) {
      if (!this.signal.aborted) this.retry(lane, message, error);
      return;
    }
    lane.shift();
    if (lane.length > 0) this.ready.push(lane);
    else this.lanes.delete(message.key);
    this.unfinished.delete(message.offset);
    this.characters -= message.value.length;
    this.advance(this.done);
    this.finished.emit("message");
  }

  private retry(lane: Received[], { topic, offset }: Received, error: unknown): void {
    this.logger.warn(`${this.reader.group} rejected message ${offset} of ${topic}, which comes again: ${error}`);
    const again = () => {
      this.ready.push(lane);
      this.start();
    };
    setTimeout(again, RETRY_MS).unref();
  }
}
