const WINDOW_MS = 10_000;
/** More than a client comes to that has 200 questions at once and then heeds what it is told. */
const MOST = 200;
const LINE_MS = 1000;

/** What one socket was refused for asking too much. */
export class Refusals {
  private since = Number.NEGATIVE_INFINITY;
  private count = 0;
  private toldAt = Number.NEGATIVE_INFINITY;
  private untold = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Counts one; true for the one, in ten seconds, that is too many. */
  isLast(): boolean {
    if (this.now() - this.since >= WINDOW_MS) {
      this.since = this.now();
      this.count = 0;
    }
    this.count += 1;
    return this.count === MOST;
  }

  /** What the log is to say beside one of them: how many it says nothing of; undefined where it is to say nothing. */
  line(): { untold?: number } | undefined {
    if (this.now() - this.toldAt < LINE_MS) {
      this.untold += 1;
      return undefined;
    }
    const { untold } = this;
    this.toldAt = this.now();
    this.untold = 0;
    return untold > 0 ? { untold } : {};
  }
}
