import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { ServiceBroker } from "moleculer";
import { hasCode, MODES } from "../store/files";

/** Milliseconds of reading that a crash repeats at most. */
const SAVE_EVERY_MS = 50;

/** How far one group came in one topic. */
export class Position {
  /** Offset of the oldest message that it has not finished. */
  next: number;
  private saved: number;
  private timer: NodeJS.Timeout | undefined;

  /**
   * A group that is new begins at `oldest`. Throws where its file cannot be read: beginning anew would do again what was
   * done.
   */
  constructor(
    private readonly file: string,
    { oldest, end }: { oldest: number; end: number },
    private readonly logger: ServiceBroker["logger"],
  ) {
    // A power cut may take the newest messages and leave the position behind them.
    this.next = Math.min(read(file) ?? oldest, end);
    this.saved = this.next;
  }

  /** In memory at once, in the file soon. */
  advance(next: number): void {
    this.next = Math.max(this.next, next);
    this.timer ??= setTimeout(() => this.trySave(), SAVE_EVERY_MS).unref();
  }

  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.saved === this.next) return;
    const draft = `${this.file}.new`;
    writeFileSync(draft, JSON.stringify({ next: this.next }), { mode: MODES.fileMode });
    renameSync(draft, this.file);
    this.saved = this.next;
  }

  /** What it could not save is repeated after a crash, which is no reason to stop reading. */
  trySave(): void {
    try {
      this.save();
    } catch (error) {
      this.logger.warn(`${this.file} could not be written: ${error}`);
    }
  }
}

function read(file: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  const next = nextIn(text);
  if (next === undefined)
    throw new Error(`${file} is corrupt: it names no offset; without the file the group begins anew`);
  return next;
}

function nextIn(text: string): number | undefined {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "object" && found !== null && "next" in found && Number.isSafeInteger(found.next))
      return Number(found.next);
  } catch {
    // said by the caller
  }
  return undefined;
}
