import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { Position } from "./position";
import { SegmentReader } from "./segment-reader";
import { type SegmentOptions, Segments } from "./segments";
import type { Stored } from "./stored";
import type { Message } from "./topics";

/** One topic's messages, and how far each group came in it. */
export class TopicLog {
  private readonly positions = new Map<string, Position>();
  private readonly appended = new EventEmitter().setMaxListeners(0);

  private constructor(
    readonly segments: Segments,
    private readonly logger: ServiceBroker["logger"],
  ) {}

  static async open(directory: string, options: SegmentOptions & { logger: ServiceBroker["logger"] }) {
    return new TopicLog(await Segments.open(directory, options), options.logger);
  }

  append(messages: readonly Message[]): void {
    this.segments.append(messages);
    this.appended.emit("messages");
  }

  /** Resolves at the next append; rejects where the signal aborts before. */
  async more(signal: AbortSignal): Promise<void> {
    await once(this.appended, "messages", { signal });
  }

  position(group: string): Position {
    const known = this.positions.get(group);
    if (known) return known;
    const position = new Position(join(this.segments.directory, `${group}.position`), this.segments, this.logger);
    this.positions.set(group, position);
    return position;
  }

  lag(group: string): number {
    return this.segments.end - Math.max(this.position(group).next, this.segments.oldest);
  }

  async peek(group: string, limit: number): Promise<Stored[]> {
    const reader = new SegmentReader(this.segments, this.position(group).next);
    const found: Stored[] = [];
    try {
      while (found.length < limit) {
        const more = await reader.read(limit - found.length);
        if (more.length === 0) break;
        found.push(...more);
      }
    } finally {
      reader.close();
    }
    return found;
  }

  /** Of one key, of `limit` messages that were published from a time on, in milliseconds. */
  async ofKey(key: string, since: number, limit: number): Promise<Stored[]> {
    const reader = new SegmentReader(this.segments, this.segments.oldest);
    const found: Stored[] = [];
    try {
      for (let looked = 0; looked < limit; ) {
        const more = await reader.read(limit);
        if (more.length === 0) break;
        const recent = more.filter(({ time }) => time >= since);
        looked += recent.length;
        found.push(...recent.filter((message) => message.key === key));
      }
    } finally {
      reader.close();
    }
    return found;
  }

  close(): void {
    for (const position of this.positions.values()) position.trySave();
    this.segments.close();
  }
}
