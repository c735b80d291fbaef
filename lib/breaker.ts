export interface BreakerLimits {
  /** Off: it lets everything pass and counts nothing. */
  enabled: boolean;
  /** Part of the calls, of 0 to 1, that fail before it opens. */
  threshold: number;
  /** How many calls make a judgement. */
  minCalls: number;
  /** Milliseconds for which calls are counted together. */
  windowMs: number;
  /** Milliseconds for which it stays open before it lets one call try. */
  openMs: number;
}

/** `open`: nobody is asked there for a while; `half-open`: the next call decides. */
export type BreakerState = "closed" | "open" | "half-open";

/**
 * Whether one node is asked for one action. Moleculer's own counts nothing for a call that has no answer in time, and keeps
 * the limits that it was made with.
 */
export class Breaker {
  private current: BreakerState = "closed";
  private calls = 0;
  private failures = 0;
  private windowEnds = 0;
  private timer: NodeJS.Timeout | undefined;

  /** `admit` hears whether calls may come; limits are asked for each time, so that they may change. */
  constructor(
    private readonly limits: () => BreakerLimits,
    private readonly admit: (may: boolean) => void,
    private readonly opened: () => void,
  ) {}

  get state(): BreakerState {
    return this.current;
  }

  /** A call begins; answers what is to be told how it ended, of which the first word counts. */
  begin(): (failed: boolean) => void {
    const isTrial = this.current === "half-open";
    if (isTrial) this.awaitTrial();
    let told = false;
    return (failed) => {
      if (told) return;
      told = true;
      if (isTrial) this.tried(failed);
      else if (this.current === "closed") this.count(failed);
    };
  }

  /** What it watched is gone. */
  end(): void {
    this.close();
  }

  private count(failed: boolean): void {
    const { enabled, threshold, minCalls, windowMs } = this.limits();
    if (!enabled) return;
    const now = performance.now();
    if (now >= this.windowEnds) {
      this.calls = 0;
      this.failures = 0;
      this.windowEnds = now + windowMs;
    }
    this.calls += 1;
    if (failed) this.failures += 1;
    if (this.calls >= minCalls && this.failures / this.calls >= threshold) this.open();
  }

  private open(): void {
    this.current = "open";
    this.admit(false);
    this.opened();
    this.later(() => this.halfOpen());
  }

  private halfOpen(): void {
    if (this.limits().enabled) {
      this.current = "half-open";
      this.admit(true);
    } else this.close();
  }

  /** Nobody else is let in; where the answer never comes, another one tries. */
  private awaitTrial(): void {
    this.admit(false);
    this.later(() => this.halfOpen());
  }

  private tried(failed: boolean): void {
    if (this.current !== "half-open") return;
    if (failed) this.open();
    else this.close();
  }

  private close(): void {
    clearTimeout(this.timer);
    this.current = "closed";
    this.calls = 0;
    this.failures = 0;
    this.windowEnds = 0;
    this.admit(true);
  }

  private later(then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, this.limits().openMs).unref();
  }
}
