import autocannon from "autocannon";

export interface Figures {
  perSecond: number;
  p50: number;
  p99: number;
}

export const CLIENTS = 32;

/** GETs one address with 32 connections; latencies in milliseconds. */
export async function hammer(url: string, seconds: number): Promise<Figures> {
  const { requests, latency, non2xx, errors } = await autocannon({ url, connections: CLIENTS, duration: seconds });
  if (non2xx + errors > 0) throw new Error(`${url}: ${non2xx} answers that are no success, ${errors} errors`);
  return { perSecond: requests.average, p50: latency.p50, p99: latency.p99 };
}

/** Runs one journey over and over in 32 clients at once. Only what `journey` says it took is counted. */
export async function drive(journey: (client: number) => Promise<number>, seconds: number): Promise<Figures> {
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  const began = performance.now();
  const client = async (number: number) => {
    while (performance.now() < until) times.push(await journey(number));
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  const took = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { perSecond: times.length / took, p50: at(0.5), p99: at(0.99) };
}

export const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export const medians = (runs: Figures[]): Figures => ({
  perSecond: median(runs.map((run) => run.perSecond)),
  p50: median(runs.map((run) => run.p50)),
  p99: median(runs.map((run) => run.p99)),
});

export const row = (name: string, { perSecond, p50, p99 }: Figures, note = ""): string =>
  `${name.padEnd(34)}${perSecond.toFixed(0).padStart(8)}/s${p50.toFixed(1).padStart(9)} ms${p99.toFixed(1).padStart(9)} ms  ${note}`;
