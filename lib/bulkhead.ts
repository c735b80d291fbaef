import { AsyncResource } from "node:async_hooks";

export interface BulkheadLimits {
  /** How many run at once. */
  concurrency: number;
  /** How many wait for their turn; whoever comes beyond them is refused. */
  queue: number;
}

/** Bounds how much of one kind of work a node has at once. Limits are asked for each time, so that they may change. */
export class Bulkhead {
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private turnedAway = 0;

  constructor(
    private readonly limits: () => BulkheadLimits,
    private readonly full: () => Error,
  ) {}

  get inFlight(): number {
    return this.running;
  }

  get queued(): number {
    return this.waiting.length;
  }

  get refused(): number {
    return this.turnedAway;
  }

  /** Runs at once or in its turn; rejects with `full` where too many wait already. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const { concurrency, queue } = this.limits();
    if (this.running < concurrency) return this.start(work);
    if (this.waiting.length >= queue) {
      this.turnedAway += 1;
      return Promise.reject(this.full());
    }
    return new Promise((resolve, reject) => {
      // Otherwise it would run in the scope of the request whose end made room for it.
      this.waiting.push(AsyncResource.bind(() => this.start(work).then(resolve, reject)));
    });
  }

  private async start<T>(work: () => Promise<T>): Promise<T> {
    this.running += 1;
    try {
      return await work();
    } finally {
      this.running -= 1;
      this.startWaiting();
    }
  }

  private startWaiting(): void {
    const { concurrency } = this.limits();
    while (this.running < concurrency && this.waiting.length > 0) this.waiting.shift()?.();
  }
}
