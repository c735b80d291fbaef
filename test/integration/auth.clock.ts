const RealDate = Date;
let aheadMs = 0;

/** The clock of this test file, which goes on from wherever it was moved to; timers do not follow it. */
class MovedDate extends RealDate {
  constructor(...given: [] | [string | number | Date]) {
    if (given.length === 0) super(MovedDate.now());
    else super(given[0]);
  }
  static override now = () => RealDate.now() + aheadMs;
}

/** Lets `ms` milliseconds pass at once. */
export function pass(ms: number): void {
  globalThis.Date = MovedDate as DateConstructor;
  aheadMs += ms;
}
