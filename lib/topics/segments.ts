import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync } from "node:fs";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { dropTornLine, endOfLastLine, MODES, writeAll } from "../store/files";
import { fromLine, toLine } from "./stored";
import type { Message } from "./topics";

/** A file of messages, from offset `base` on. */
export interface Segment {
  readonly file: string;
  readonly base: number;
  /** Bytes that were acknowledged. */
  size: number;
  /** Milliseconds since 1970 when it was written last. */
  newest: number;
}

export interface SegmentOptions {
  /** Bytes after which the next publish begins another file. */
  segmentBytes: number;
  retentionMs: number;
}

const NAME = /^(\d{16})\.log$/;
const nameOf = (base: number) => `${String(base).padStart(16, "0")}.log`;

/** The messages of one topic in the order of their offsets; only the last of its files is written. */
export class Segments {
  private file: number | undefined;
  /** Bytes beyond the acknowledged ones are left of an append that failed. */
  private torn = false;

  private constructor(
    readonly directory: string,
    private readonly options: SegmentOptions,
    private readonly older: Segment[],
    private active: Segment,
    /** Offset that the next message gets. */
    public end: number,
  ) {
    this.file = openSync(active.file, "a", MODES.fileMode);
  }

  /** Cuts off a torn last line; throws where the last whole one cannot be read, since no offset follows it. */
  static async open(directory: string, options: SegmentOptions): Promise<Segments> {
    mkdirSync(directory, { recursive: true, mode: MODES.dirMode });
    const bases = (await readdir(directory)).flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? []);
    const last = join(directory, nameOf(Math.max(0, ...bases)));
    await dropTornLine(last);
    const older: Segment[] = [];
    for (const base of bases.sort((a, b) => a - b)) older.push(await segment(join(directory, nameOf(base)), base));
    const active = older.pop() ?? (await segment(last, 0));
    return new Segments(directory, options, older, active, await endOf(active));
  }

  /** Offset of the oldest message that is still there, or of the next one where none is. */
  get oldest(): number {
    return (this.older[0] ?? this.active).base;
  }

  /** The segment that has this offset, or will have it; the oldest for what is gone. */
  holding(offset: number): Segment {
    if (offset >= this.active.base) return this.active;
    return this.older.findLast(({ base }) => base <= offset) ?? this.older[0] ?? this.active;
  }

  isWritten(segment: Segment): boolean {
    return segment === this.active;
  }

  /** All or nothing, by one write; throws where that fails, and takes messages again once it does not. */
  append(messages: readonly Message[]): void {
    this.repair();
    if (this.active.size >= this.options.segmentBytes) this.roll();
    const time = Date.now();
    const bytes = Buffer.from(messages.map((message, i) => toLine(message, this.end + i, time)).join(""));
    this.torn = true;
    try {
      writeAll(this.opened(), bytes);
    } catch (error) {
      this.repair();
      throw error;
    }
    this.torn = false;
    this.active.size += bytes.length;
    this.active.newest = time;
    this.end += messages.length;
  }

  /** Deletes files whose messages are all too old; where the last one's are, a fresh one takes its place first. */
  dropOld(): void {
    const limit = Date.now() - this.options.retentionMs;
    if (this.active.size > 0 && this.active.newest < limit) {
      this.repair();
      this.roll();
    }
    for (let first = this.older[0]; first && first.newest < limit; first = this.older[0]) {
      unlinkSync(first.file);
      this.older.shift();
    }
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
  }

  private opened(): number {
    if (this.file === undefined) throw new Error(`${this.directory} is closed`);
    return this.file;
  }

  private repair(): void {
    if (!this.torn) return;
    ftruncateSync(this.opened(), this.active.size);
    this.torn = false;
  }

  private roll(): void {
    const next = join(this.directory, nameOf(this.end));
    const before = this.opened();
    this.file = openSync(next, "a", MODES.fileMode);
    closeSync(before);
    this.older.push(this.active);
    this.active = { file: next, base: this.end, size: 0, newest: Date.now() };
  }
}

async function segment(file: string, base: number): Promise<Segment> {
  const { size, mtimeMs } = await stat(file);
  return { file, base, size, newest: mtimeMs };
}

/** The offset after that of its last line. */
async function endOf({ file, base, size }: Segment): Promise<number> {
  if (size === 0) return base;
  const handle = await open(file, "r");
  try {
    const start = await endOfLastLine(handle, size - 1);
    const { buffer } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    const last = fromLine(buffer.toString());
    if (!last) throw new Error(`${file} is corrupt: its last line cannot be read`);
    return last.offset + 1;
  } finally {
    await handle.close();
  }
}
