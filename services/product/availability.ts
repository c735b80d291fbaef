/** Milliseconds that a known level is believed without a look at the store. */
export const FRESH_MS = 2000;

export interface Level {
  sku: string;
  available: number;
  /** Of the stock document: an older one never replaces a newer one. */
  version: number;
}

interface Known {
  available: number;
  version: number;
  readAt: number;
}

/**
 * What this process knows of each SKU's stock, for showing it. It hears of changes here and on other nodes at once and
 * asks the store again for what it has not heard of for {@link FRESH_MS}. Stock is never promised from here.
 */
export class Availability {
  /** Moves on whenever a known level changes, so that a view made of levels knows whether it is still right. */
  epoch = 0;
  private readonly known = new Map<string, Known>();
  private readonly asked = new Map<string, Promise<void>>();

  constructor(private readonly read: (skus: string[]) => Promise<Level[]>) {}

  of(sku: string): number {
    return this.known.get(sku)?.available ?? 0;
  }

  /** A level that was read or written just now, or told of by another node. */
  note({ sku, available, version }: Level, readAt = Date.now()): void {
    const before = this.known.get(sku);
    if (before && before.version > version) return;
    this.known.set(sku, { available, version, readAt: Math.max(readAt, before?.readAt ?? 0) });
    if (before?.available !== available) this.epoch++;
  }

  /** Takes over what another node tells, where anybody here has asked for the SKU. */
  hear(level: Level): void {
    if (this.known.has(level.sku)) this.note(level);
  }

  /** Until when all of these are fresh, in milliseconds since 1970; in the past when one is not. */
  freshUntil(skus: string[]): number {
    return Math.min(...skus.map((sku) => this.known.get(sku)?.readAt ?? 0)) + FRESH_MS;
  }

  /** Reads those that are not fresh, in one query; what is being read already is waited for. */
  async refresh(skus: string[]): Promise<void> {
    const at = Date.now();
    const stale = skus.filter((sku) => (this.known.get(sku)?.readAt ?? 0) + FRESH_MS <= at);
    const unasked = stale.filter((sku) => !this.asked.has(sku));
    if (unasked.length > 0) {
      const reading = this.readAgain(unasked, at).finally(() => {
        for (const sku of unasked) this.asked.delete(sku);
      });
      for (const sku of unasked) this.asked.set(sku, reading);
    }
    await Promise.all(new Set(stale.map((sku) => this.asked.get(sku))));
  }

  private async readAgain(skus: string[], at: number): Promise<void> {
    const levels = new Map((await this.read(skus)).map((level) => [level.sku, level]));
    for (const sku of skus) {
      const before = this.known.get(sku);
      const gone = { sku, available: 0, version: before?.version ?? 0 };
      this.note(levels.get(sku) ?? gone, at);
      // A level that was heard of meanwhile is newer than what was read, and as fresh.
      if (before && before.readAt < at) before.readAt = at;
    }
  }
}
