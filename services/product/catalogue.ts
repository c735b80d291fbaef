import { createHash } from "node:crypto";
import type { Availability } from "./availability";
import type { CatalogueEntry } from "./product";
import { skusOf, toView } from "./product";
import type { ProductView } from "./product.schema";

/** How many pages and details a process keeps ready to be sent. */
const KEPT = 300;

/** What is cached: entries without availability, and whatever goes with them. */
export interface Cached {
  items: CatalogueEntry[];
}

interface Ready<V> {
  view: V;
  epoch: number;
  freshUntil: number;
}

interface Entry<C, V> {
  cached: Promise<C>;
  skus: string[];
  ready?: Ready<V>;
}

/**
 * Pages and details as they are sent, kept for as long as the catalogue's generation (part of the key) and every level in
 * them stand. What is ready costs a look-up; what is not is made from the cached entries.
 */
export class ReadyViews<C extends Cached, V> {
  private readonly entries = new Map<string, Entry<C, V>>();

  constructor(
    private readonly availability: Availability,
    private readonly make: (cached: C, items: ProductView[]) => V,
  ) {}

  /** The view, at once when it is ready. */
  get(key: string, load: () => Promise<C>): V | Promise<V> {
    const ready = this.entries.get(key)?.ready;
    if (ready && ready.epoch === this.availability.epoch && ready.freshUntil > Date.now()) return ready.view;
    return this.prepare(key, load);
  }

  private async prepare(key: string, load: () => Promise<C>): Promise<V> {
    const entry = this.entries.get(key) ?? { cached: this.loaded(key, load), skus: [] };
    this.keep(key, entry);
    const cached = await entry.cached;
    if (entry.skus.length === 0) entry.skus = cached.items.flatMap(skusOf);
    await this.availability.refresh(entry.skus);
    const { epoch } = this.availability;
    const freshUntil = entry.skus.length > 0 ? this.availability.freshUntil(entry.skus) : Number.POSITIVE_INFINITY;
    const view = entry.ready?.epoch === epoch ? entry.ready.view : deepFreeze(this.made(cached));
    entry.ready = { view, epoch, freshUntil };
    return view;
  }

  private made(cached: C): V {
    return this.make(
      cached,
      cached.items.map((item) => toView(item, (sku) => this.availability.of(sku))),
    );
  }

  /** What could not be loaded is not kept; whoever waits for it hears of it. */
  private loaded(key: string, load: () => Promise<C>): Promise<C> {
    const cached = load();
    cached.catch(() => this.entries.delete(key));
    return cached;
  }

  /** As the last in the map, whose first then is what was not asked for the longest. */
  private keep(key: string, entry: Entry<C, V>): void {
    this.entries.delete(key);
    this.entries.set(key, entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > KEPT && oldest !== undefined) this.entries.delete(oldest);
  }
}

/** The same view is sent again and again: nobody may change it, and the gateway need not encode it twice. */
function deepFreeze<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

/** A strong entity tag of what a client sees of a product. */
export const etagOf = (view: ProductView): string =>
  `"${createHash("sha256").update(JSON.stringify(view)).digest("base64url").slice(0, 27)}"`;

/** The catalogue's generation as this process knows it: it only goes forward, unless the store is another one. */
export class Generation {
  private epoch = "";
  private number = 0;
  key = "";

  /** What was read from the store, or what another node tells. */
  learn({ epoch, generation }: { epoch: string; generation: number }): void {
    if (epoch === this.epoch && generation <= this.number) return;
    this.epoch = epoch;
    this.number = generation;
    this.key = `${epoch}.${generation}`;
  }
}
