import type { ServiceBroker } from "moleculer";

/** Work that goes on after its caller was answered. What fails is only logged: a sweeper takes it up from its document. */
export class Background {
  private readonly running = new Set<Promise<unknown>>();

  constructor(private readonly logger: ServiceBroker["logger"]) {}

  start(what: string, work: () => Promise<unknown>): void {
    const run = work()
      .catch((error: unknown) => this.logger.warn({ err: error }, `${what} goes on later`))
      .finally(() => this.running.delete(run));
    this.running.add(run);
  }

  /** Resolves when nothing runs any more; to be awaited before collections close. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }
}
