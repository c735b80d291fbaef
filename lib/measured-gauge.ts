import { Gauge, type Registry } from "prom-client";
import { within } from "./time";

/** Milliseconds that a figure may take which is asked for at a scrape; one that takes longer is left out. */
const MEASURE_MS = 1500;
/** Milliseconds that what was asked for elsewhere is told again. */
const KEEP_MS = 1000;

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

type Source = () => Promise<Sample[]> | Sample[];

async function answersOf(sources: Source[]): Promise<Sample[]> {
  const asked = sources.map((source) => within(MEASURE_MS, source).catch(() => []));
  return (await Promise.all(asked)).flat();
}

/**
 * However many scrape, a store or server is asked once in a while, and whoever scrapes meanwhile waits for the same answer;
 * what is in memory is looked at each time.
 */
function sparing(source: Source): Source {
  let kept: Promise<Sample[]> | undefined;
  let until = 0;
  return () => {
    if (kept && performance.now() < until) return kept;
    const found = source();
    if (!(found instanceof Promise)) return found;
    until = Number.POSITIVE_INFINITY;
    kept = within(MEASURE_MS, () => found)
      .catch(() => [])
      .finally(() => {
        until = performance.now() + KEEP_MS;
      });
    return kept;
  };
}

/** A figure that is asked for when it is scraped, from any number of sources. */
export class MeasuredGauge {
  /** Each with the one that scrapes ask. */
  private readonly sources = new Map<Source, Source>();

  constructor(options: { name: string; help: string; labelNames: string[]; registers: Registry[] }) {
    const samples = () => answersOf([...this.sources.values()]);
    new Gauge({
      ...options,
      async collect() {
        const found = await samples();
        this.reset();
        for (const { labels, value } of found) this.set(labels, value);
      },
    });
  }

  /** How it is now. */
  samples(): Promise<Sample[]> {
    return answersOf([...this.sources.keys()]);
  }

  /** Adds a source of one set of labels; the answer takes it away again. */
  measure(labels: Record<string, string>, ask: () => Promise<number> | number): () => void {
    const sampleOf = (value: number) => [{ labels, value }];
    return this.sample(() => {
      const value = ask();
      return typeof value === "number" ? sampleOf(value) : value.then(sampleOf);
    });
  }

  /** Adds a source of as many as there are when it is asked; the answer takes it away again. */
  sample(source: Source): () => void {
    this.sources.set(source, sparing(source));
    return () => void this.sources.delete(source);
  }
}
