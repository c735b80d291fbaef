import { setTimeout as delay } from "node:timers/promises";
import { within } from "../../time";
import type { Subscription } from "../topics";
import { Slots } from "../window";
import { isFinal, type KafkaClient } from "./client";
import { Member, type MemberOptions } from "./member";
import { messageOf, type Outage } from "./outage";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 3000;
/** Nothing waits longer for a member that is just being given up after a crash. */
const CLOSE_MS = 2500;

export interface KafkaSubscriptionOptions extends Pick<MemberOptions, "reader" | "names" | "logger"> {
  open: () => KafkaClient;
  ensure: (topic: string) => Promise<void>;
  outage: Outage;
}

/** A reader of a Kafka topic: a member of its group, and after every mishap another one, until it is closed. */
export class KafkaSubscription implements Subscription {
  failure: Error | undefined;
  private readonly closing = new AbortController();
  private readonly closed = new Promise<void>((resolve) => {
    this.closing.signal.addEventListener("abort", () => resolve());
  });
  private readonly ended: Promise<void>;
  private readonly part: string;
  private readonly slots = new Slots();
  private pause = FIRST_PAUSE_MS;
  private predecessor: string | undefined;

  constructor(private readonly options: KafkaSubscriptionOptions) {
    const { group, topic } = options.reader;
    this.part = `reading ${topic} as ${group}`;
    this.ended = this.keepReading();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await within(CLOSE_MS, () => this.ended).catch(() => undefined);
  }

  private async keepReading(): Promise<void> {
    const { outage, ensure, names } = this.options;
    const { signal } = this.closing;
    while (!signal.aborted && !this.failure) {
      try {
        await Promise.race([ensure(names.topic), this.closed]);
        if (!signal.aborted) await this.read();
      } catch (error) {
        this.note(error);
      }
      if (!this.failure) await delay(this.pause, undefined, { signal }).catch(() => undefined);
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
    }
    outage.forget(this.part);
  }

  /** Until this is closed, or another member has to go on. */
  private async read(): Promise<void> {
    const { reader, names, logger, open } = this.options;
    const { predecessor, slots } = this;
    const member = new Member(open(), { reader, names, logger, slots, predecessor, joined: () => this.joined() });
    try {
      await Promise.race([member.read(), this.closed]);
    } catch (error) {
      // Before leaving, which takes its time where Kafka is away.
      this.note(error);
    }
    this.predecessor = member.id ?? predecessor;
    await member.leave(this.closing.signal.aborted ? "closed" : "crashed");
  }

  private note(error: unknown): void {
    if (this.closing.signal.aborted) return;
    if (isFinal(error)) {
      this.failure = error instanceof Error ? error : new Error(messageOf(error));
      this.options.logger.error(`${this.part} is over: ${messageOf(error)}`);
    } else this.options.outage.begin(this.part, error);
  }

  private joined(): void {
    this.pause = FIRST_PAUSE_MS;
    this.options.outage.end(this.part);
  }
}
