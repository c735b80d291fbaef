import { Gauge, type Registry } from "prom-client";
import { within } from "./time";

/** Milliseconds that a figure may take which is asked for at a scrape; one that takes longer is left out. */
const MEASURE_MS = 1500;

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** A figure that is asked for when it is scraped, from any number of sources. */
export class MeasuredGauge {
  private readonly sources = new Set<() => Promise<Sample[]> | Sample[]>();

  constructor(options: { name: string; help: string; labelNames: string[]; registers: Registry[] }) {
    const samples = () => this.samples();
    new Gauge({
      ...options,
      async collect() {
        this.reset();
        for (const { labels, value } of await samples()) this.set(labels, value);
      },
    });
  }

  /** What a scrape would be told now. */
  async samples(): Promise<Sample[]> {
    const asked = [...this.sources].map((source) => within(MEASURE_MS, source).catch(() => []));
    return (await Promise.all(asked)).flat();
  }

  /** Adds a source of one set of labels; the answer takes it away again. */
  measure(labels: Record<string, string>, ask: () => Promise<number> | number): () => void {
    return this.sample(async () => [{ labels, value: await ask() }]);
  }

  /** Adds a source of as many as there are when it is asked; the answer takes it away again. */
  sample(source: () => Promise<Sample[]> | Sample[]): () => void {
    this.sources.add(source);
    return () => void this.sources.delete(source);
  }
}
