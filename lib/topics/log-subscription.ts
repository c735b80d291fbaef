import { once } from "node:events";
import type { ServiceBroker } from "moleculer";
import { SegmentReader } from "./segment-reader";
import type { TopicLog } from "./topic-log";
import type { Reader, Subscription } from "./topics";
import { Slots, Window } from "./window";

/** Milliseconds that handlers have to end when the reader is closed. */
const LET_GO_MS = 2000;

export interface SubscriptionOptions {
  reader: Reader;
  logger: ServiceBroker["logger"];
  open: () => Promise<TopicLog>;
  /** Settles when it is this reader's turn: one of a group reads at a time. */
  turn: Promise<unknown>;
}

/** A reader of the embedded event log. */
export class LogSubscription implements Subscription {
  failure: Error | undefined;
  /** Never rejects. */
  readonly ended: Promise<void>;
  private readonly closing = new AbortController();

  constructor(private readonly options: SubscriptionOptions) {
    this.ended = this.run();
  }

  isOf(topic: string, group: string): boolean {
    return this.options.reader.topic === topic && this.options.reader.group === group;
  }

  close(): Promise<void> {
    this.closing.abort();
    return this.ended;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    const closed = once(signal, "abort");
    await Promise.race([this.options.turn, closed]);
    try {
      if (!signal.aborted) await this.read(await this.options.open(), closed);
    } catch (error) {
      this.fail(error);
    }
    // Whoever waits for this reader's turn takes over when it is closed, not when it has failed.
    await closed;
  }

  private async read(log: TopicLog, closed: Promise<unknown>): Promise<void> {
    const { reader, logger } = this.options;
    const { signal } = this.closing;
    const position = log.position(reader.group);
    const from = new SegmentReader(log.segments, position.next);
    const advance = (done: number) => position.advance(done);
    const window = new Window({ reader, signal, logger, slots: new Slots(), advance }, position.next);
    try {
      while (!signal.aborted) await this.step(log, from, window);
    } catch (error) {
      this.fail(error);
      // What it has read goes on meanwhile.
      await closed;
    } finally {
      from.close();
      await window.end(LET_GO_MS);
      position.trySave();
    }
  }

  private async step(log: TopicLog, from: SegmentReader, window: Window): Promise<void> {
    const { room } = window;
    if (room <= 0) return window.change();
    const expected = from.next;
    const messages = await from.read(room);
    const [first] = messages;
    if (first && first.offset > expected) this.warnOfLoss(first.offset - expected);
    for (const { time, ...message } of messages)
      window.add({ ...message, topic: this.options.reader.topic, partition: 0 });
    // Asked again at once before waiting: one may have been published since it was read.
    if (!first && from.next >= log.segments.end) await log.more(this.closing.signal);
  }

  private warnOfLoss(count: number): void {
    const { reader, logger } = this.options;
    logger.warn(`${reader.group} misses ${count} messages of ${reader.topic}, which had become too old`);
  }

  private fail(error: unknown): void {
    const { reader, logger } = this.options;
    // Waiting for more ends so when the reader is closed.
    if (this.closing.signal.aborted) return;
    this.failure = error instanceof Error ? error : new Error(String(error));
    logger.error(`${reader.group} cannot read ${reader.topic} any more: ${this.failure.message}`);
  }
}
