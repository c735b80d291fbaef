import type { ServiceBroker } from "moleculer";

/** Tells once that Kafka cannot be used, whichever parts find out, and once that they all can again. */
export class Outage {
  private readonly parts = new Set<string>();

  constructor(private readonly logger: ServiceBroker["logger"]) {}

  begin(part: string, error: unknown): void {
    const level = this.parts.size === 0 ? "warn" : "debug";
    this.logger[level](`Kafka cannot be used for ${part}: ${messageOf(error)}`);
    this.parts.add(part);
  }

  end(part: string): void {
    if (this.parts.delete(part) && this.parts.size === 0) this.logger.info("Kafka can be used again");
  }

  /** The part is closed. */
  forget(part: string): void {
    this.parts.delete(part);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
