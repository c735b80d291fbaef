import type { ServiceBroker } from "moleculer";
import { within } from "../../time";
import type { Reader } from "../topics";
import { type Slots, Window } from "../window";
import { type EachBatchPayload, receivedOf } from "./client";
import { messageOf } from "./outage";

/** What was handled in this time before a death is handled again. */
const SAVE_MS = 250;
const LAST_SAVE_MS = 1000;
const HEARTBEAT_MS = 2000;

interface Taken {
  partition: number;
  window: Window;
  /** The offset that is expected next. */
  next: number;
  /** The offset before which all is finished. */
  reached: number;
}

/** What one reader was given to read when its group was last joined. */
export class Assignment {
  private readonly aborting = new AbortController();
  private readonly partitions = new Map<number, Taken | undefined>();
  /** By partition, the offset before which all is finished, where Kafka does not know it yet. */
  private readonly unsaved = new Map<number, number>();
  private group: EachBatchPayload | undefined;
  private timer: NodeJS.Timeout | undefined;
  private saving: Promise<void> = Promise.resolve();

  constructor(
    private readonly reader: Reader,
    private readonly logger: ServiceBroker["logger"],
    private readonly slots: Slots,
  ) {}

  /** Takes over what was fetched; what it has not finished is not fetched again while it lives. */
  take(group: EachBatchPayload): void {
    const { batch } = group;
    const { signal } = this.aborting;
    if (signal.aborted || !group.isRunning() || group.isStale()) return;
    if (!this.partitions.has(batch.partition)) {
      // A fetch that was under way when the group was joined may begin beyond what is saved; asked again, it does not.
      this.partitions.set(batch.partition, undefined);
      return;
    }
    this.group = group;
    const messages = batch.messages.map((message) => receivedOf(this.reader.topic, batch.partition, message));
    const taken = this.partitions.get(batch.partition) ?? this.begin(batch.partition, messages[0]?.offset ?? 0);
    for (const message of messages) {
      if (message.offset < taken.next) continue;
      taken.next = message.offset + 1;
      taken.window.add(message);
    }
    group.resolveOffset(batch.lastOffset());
    if (taken.window.room <= 0) void this.hold(taken.window, group.pause(), signal);
  }

  /**
   * Ends waiting, waits at most `ms` for what is being handled and saves how far it came. The group keeps this member
   * meanwhile, but learns nothing of what ends later.
   */
  async end(ms: number): Promise<void> {
    this.aborting.abort();
    const heartbeats = setInterval(() => this.group?.heartbeat().catch(() => undefined), HEARTBEAT_MS);
    await Promise.all([...this.partitions.values()].map((taken) => taken?.window.end(ms)));
    clearInterval(heartbeats);
    clearTimeout(this.timer);
    await within(LAST_SAVE_MS, () => this.save()).catch(() => undefined);
    this.group = undefined;
  }

  private begin(partition: number, next: number): Taken {
    const { reader, logger, slots } = this;
    const { signal } = this.aborting;
    const window = new Window({ reader, signal, logger, slots, advance: (done) => this.reach(taken, done) }, next);
    const taken = { partition, window, next, reached: next };
    this.partitions.set(partition, taken);
    return taken;
  }

  private reach(taken: Taken, done: number): void {
    if (done === taken.reached) return;
    taken.reached = done;
    this.unsaved.set(taken.partition, done);
    this.saveSoon();
  }

  private async hold(window: Window, resume: () => void, signal: AbortSignal): Promise<void> {
    while (window.room <= 0 && !signal.aborted) await window.change();
    resume();
  }

  private saveSoon(): void {
    if (!this.aborting.signal.aborted) this.timer ??= setTimeout(() => void this.save(), SAVE_MS);
  }

  private save(): Promise<void> {
    this.timer = undefined;
    this.saving = this.saving.then(() => this.saveNow());
    return this.saving;
  }

  private async saveNow(): Promise<void> {
    const { group } = this;
    if (!group || this.unsaved.size === 0) return;
    const reached = [...this.unsaved];
    this.unsaved.clear();
    const partitions = reached.map(([partition, offset]) => ({ partition, offset: String(offset) }));
    try {
      await group.commitOffsetsIfNecessary({ topics: [{ topic: group.batch.topic, partitions }] });
    } catch (error) {
      this.debug(`could not save how far it came: ${messageOf(error)}`);
      for (const [partition, offset] of reached) if (!this.unsaved.has(partition)) this.unsaved.set(partition, offset);
      this.saveSoon();
    }
  }

  private debug(what: string): void {
    this.logger.debug(`${this.reader.group} at ${this.reader.topic} ${what}`);
  }
}
