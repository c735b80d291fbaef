import { closeSync, openSync, read } from "node:fs";
import { NEWLINE } from "../store/files";
import type { Segment, Segments } from "./segments";
import { fromLine, type Stored } from "./stored";

/** Bytes that are read at once. */
const CHUNK = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** Reads a topic from one offset on; in memory it has a chunk and, where that is longer, a line. */
export class SegmentReader {
  private segment: Segment | undefined;
  private file: number | undefined;
  /** Bytes of the segment that were read, and those of them that no message was made of yet. */
  private position = 0;
  private rest: Buffer = NOTHING;

  constructor(
    private readonly segments: Segments,
    /** Offset of the message that is read next. */
    public next: number,
  ) {}

  /** At most `limit` messages, none where there are no more by now. Throws where it meets a line that is damaged. */
  async read(limit: number): Promise<Stored[]> {
    const found: Stored[] = [];
    if (!(await this.hasLine())) return found;
    for (let end = this.rest.indexOf(NEWLINE); end >= 0 && found.length < limit; end = this.rest.indexOf(NEWLINE)) {
      const message = fromLine(this.rest.toString("utf8", 0, end));
      if (message?.offset !== this.next) {
        // What stands before it can be handled yet.
        if (found.length > 0) break;
        throw this.corrupt();
      }
      found.push(message);
      this.next += 1;
      this.rest = this.rest.subarray(end + 1);
    }
    return found;
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
    this.segment = undefined;
  }

  private async hasLine(): Promise<boolean> {
    while (this.rest.indexOf(NEWLINE) < 0) {
      if (this.segment && (await this.fill(this.segment))) continue;
      // It may have been written to, and another one begun, since that was found out.
      if (this.segment && this.position < this.segment.size) continue;
      if (this.segment && this.segments.isWritten(this.segment)) return false;
      if (!this.segment && this.next >= this.segments.end) return false;
      await this.enter();
    }
    return true;
  }

  /** Goes to the segment that has the next offset; opened at once, before retention could delete it. */
  private async enter(): Promise<void> {
    const left = this.segment;
    this.next = Math.max(this.next, this.segments.oldest);
    const segment = this.segments.holding(this.next);
    if (segment === left) throw this.corrupt();
    this.close();
    this.file = openSync(segment.file, "r");
    this.segment = segment;
    this.position = 0;
    this.rest = NOTHING;
    for (let skip = this.next - segment.base; skip > 0; skip -= 1) await this.skipLine(segment);
  }

  private async skipLine(segment: Segment): Promise<void> {
    let end = this.rest.indexOf(NEWLINE);
    while (end < 0) {
      if (!(await this.fill(segment))) throw this.corrupt();
      end = this.rest.indexOf(NEWLINE);
    }
    this.rest = this.rest.subarray(end + 1);
  }

  /** False where all that was acknowledged was read. */
  private async fill(segment: Segment): Promise<boolean> {
    const { file, position } = this;
    const wanted = Math.min(CHUNK, segment.size - position);
    if (file === undefined || wanted <= 0) return false;
    const buffer = Buffer.allocUnsafe(wanted);
    const length = await new Promise<number>((resolve, reject) => {
      read(file, buffer, 0, wanted, position, (error, bytes) => (error ? reject(error) : resolve(bytes)));
    });
    // The file is shorter than what was acknowledged of it.
    if (length === 0) throw this.corrupt();
    this.position += length;
    this.rest = Buffer.concat([this.rest, buffer.subarray(0, length)]);
    return true;
  }

  private corrupt(): Error {
    const byte = this.position - this.rest.length;
    return new Error(`${this.segment?.file} is corrupt: no message ${this.next} at byte ${byte}`);
  }
}
