import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { crashPoint, hasFault } from "./crash";
import type { OutboxEntry } from "./events";
import { timeOf } from "./ids";
import type { Lease } from "./lease";
import { withoutRequest } from "./request-scope";
import type { Change, Collection, Document, Filter, Index } from "./store/collection";

/** An aggregate whose events are written with its changes. */
export interface OutboxDocument extends Document {
  /** What is not published yet, oldest first. */
  outbox?: OutboxEntry[];
  /** The id of the newest of them, absent when there is none. Ids sort by time. */
  outboxLast?: string;
}

export const outboxIndex: Index = { fields: ["outboxLast"], sparse: true };

/** A change that tells of itself: in one write with the events that go out for it, in this order. */
export function withEvent(change: Change, ...entries: OutboxEntry[]): Change {
  const all = [...eventsOf(change), ...entries];
  return {
    ...change,
    $set: { ...change.$set, outboxLast: all.at(-1)?.id },
    $push: { ...change.$push, outbox: { $each: all } },
  };
}

/** The events that go out for a change. */
export const eventsOf = (change: Change): OutboxEntry[] =>
  (change.$push?.outbox as { $each: OutboxEntry[] } | undefined)?.$each ?? [];

/** What a document that is inserted has for the events that go out for it, in this order. */
export const bornWithEvent = (...entries: OutboxEntry[]): Required<Pick<OutboxDocument, "outbox" | "outboxLast">> => ({
  outbox: entries,
  outboxLast: entries.at(-1)?.id ?? "",
});

/** Documents that are published at once: what waits beyond them is not in memory. */
const BATCH = 256;
/** Writes of so many milliseconds are told of together. */
const HINT_AFTER_MS = 2;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

const COUNTED = 10_000;

const isWaiting: Filter = { outboxLast: { $gt: "" } };

interface RelayParts<T extends OutboxDocument> {
  collection: Collection<T>;
  lease: Lease;
  logger: ServiceBroker["logger"];
  /** Resolves when all that the batch has in its outboxes is stored in the topic. */
  publish: (batch: T[], signal: AbortSignal) => Promise<void>;
  failed: () => void;
  /** Something waits that another node is to publish. */
  elsewhere: () => void;
}

/**
 * Takes events from outboxes to their topic: published first, then marked, so that a death in between repeats and never
 * loses. A batch of documents at a time, those first whose last event is the oldest.
 */
export class Relay<T extends OutboxDocument> {
  private running: Promise<void> | undefined;
  private again = false;
  private pause = 0;
  /** Why nothing could be published the last time. */
  private reason: string | undefined;
  private hint: NodeJS.Timeout | undefined;
  private readonly stopping = new AbortController();

  constructor(private readonly parts: RelayParts<T>) {}

  async start(): Promise<void> {
    await this.parts.lease.prepare();
  }

  /** Something was written that waits; where another node is to publish it, that is told. */
  wake(): void {
    if (this.stopping.signal.aborted) return;
    if (this.parts.lease.isElsewhere) this.tellElsewhere();
    else this.look();
  }

  private tellElsewhere(): void {
    this.hint ??= setTimeout(() => {
      this.hint = undefined;
      this.parts.elsewhere();
    }, HINT_AFTER_MS);
  }

  /** Publishes what waits, unless another node does. */
  look(): void {
    if (this.stopping.signal.aborted) return;
    this.again = true;
    // The request whose write it was has no part in what else is published, and in what goes wrong with it.
    this.running ??= withoutRequest(() => this.run()).finally(() => {
      this.running = undefined;
      if (this.again) this.look();
    });
  }

  /** How many documents have something to publish; of more than 10,000 nobody counts the rest. */
  async waiting(): Promise<number> {
    return (await this.first(COUNTED, ["_id"])).length;
  }

  /** Seconds for which the first in line has waited, 0 when nothing does. */
  async oldest(): Promise<number> {
    const batch = await this.first(BATCH, ["outbox"]);
    const times = batch.flatMap(({ outbox }) => (outbox?.[0] ? timeOf(outbox[0].id) : []));
    return times.length === 0 ? 0 : Math.max(0, (Date.now() - Math.min(...times)) / 1000);
  }

  /** Those that wait, in the order they have their turn in. */
  private first(limit: number, fields: string[]): Promise<T[]> {
    return this.parts.collection.find(isWaiting, { sort: ["outboxLast"], limit, fields });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.hint);
    await this.running;
    await this.release();
  }

  private async release(): Promise<void> {
    const { lease, logger } = this.parts;
    await lease.release().catch((error: unknown) => logger.debug({ err: error }, "a lease ends by itself"));
  }

  private async run(): Promise<void> {
    try {
      while (this.again && !this.stopping.signal.aborted) {
        this.again = false;
        await this.publishAll();
      }
      if (this.reason !== undefined) this.parts.logger.info("events are published again");
      this.pause = 0;
      this.reason = undefined;
    } catch (error) {
      await this.failed(error);
    }
  }

  private async publishAll(): Promise<void> {
    const { lease } = this.parts;
    while (!this.stopping.signal.aborted) {
      const batch = await this.first(BATCH, ["outbox", "outboxLast"]);
      if (batch.length === 0 || !(await lease.hold())) return;
      if (hasFault("outbox-marks-first")) await this.mark(batch);
      await this.parts.publish(batch, this.stopping.signal);
      crashPoint("outbox.published");
      await this.mark(batch);
    }
  }

  /** Most documents are as they were read and need one write together; of the others what was published goes. */
  private async mark(batch: T[]): Promise<void> {
    const { collection } = this.parts;
    const lasts = batch.flatMap(({ outboxLast }) => outboxLast ?? []);
    const marked = await collection.updateMany(
      { outboxLast: { $in: lasts } },
      { $unset: { outbox: true, outboxLast: true } },
    );
    if (marked >= batch.length) return;
    for (const { _id, outbox = [] } of batch) {
      const ids = outbox.map(({ id }) => id);
      await collection.update({ _id, ...isWaiting }, { $pull: { outbox: { id: { $in: ids } } } }, { fields: [] });
    }
  }

  /** Another node may have more luck meanwhile: it can have the lease. */
  private async failed(error: unknown): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const { logger, failed } = this.parts;
    failed();
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.reason) logger.warn({ err: error }, "events wait: they cannot be published at the moment");
    this.reason = reason;
    this.pause = Math.min(this.pause * 2 || FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    await this.release();
    await delay(this.pause, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    this.again = true;
  }
}
