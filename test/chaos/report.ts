import type { Check } from "./checker";

export interface Figures {
  seed: number;
  orders: number;
  /** Seconds from the first order to the last answer. */
  seconds: number;
  /** Seconds until everything had come to rest after that. */
  settling: number;
  faults: number;
  /** Orders by how they ended. */
  ends: Readonly<Record<string, number>>;
  /** Requests that were sent once more, and the longest wait for a definite answer in seconds. */
  repeats: number;
  longestWait: number;
  /** Copies of events in the topic beyond the first. */
  copies: number;
}

/** Of each check, in detail. */
const SHOWN = 5;

/** What a run found, as a table and the first violations in detail. */
export function reportOf(checks: readonly Check[], figures: Figures): string {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2;
  const looked = Math.max(...checks.map((one) => one.looked.length), "looked at".length) + 2;
  const line = (name: string, at: string, violations: string, verdict: string) =>
    `${name.padEnd(width)}${at.padEnd(looked)}${violations.padStart(10)}  ${verdict}`;
  const rows = checks.map((one) =>
    line(one.name, one.looked, String(one.violations.length), one.violations.length === 0 ? "ok" : "VIOLATED"),
  );
  const found = checks.filter(({ violations }) => violations.length > 0);
  return [
    line("check", "looked at", "violations", "verdict"),
    ...rows,
    "",
    ...found.flatMap(details),
    figuresLine(figures),
    found.length === 0 ? "Nothing was violated." : `Violated: ${found.map(({ name }) => name).join("; ")}.`,
  ].join("\n");
}

function details({ name, violations }: Check): string[] {
  const more = violations.length - SHOWN;
  const shown = violations.slice(0, SHOWN).map((text) => `  ${text}`);
  return [`${name}: violated ${violations.length} times`, ...shown, ...(more > 0 ? [`  and ${more} more`] : []), ""];
}

const figuresLine = ({ seed, orders, seconds, settling, faults, ends, repeats, longestWait, copies }: Figures) =>
  [
    `seed ${seed}: ${orders} orders in ${seconds.toFixed(0)} s (${(orders / seconds).toFixed(1)}/s)`,
    `at rest ${settling.toFixed(0)} s later`,
    Object.entries(ends)
      .map(([status, count]) => `${count} ${status}`)
      .join(", "),
    `${faults} faults`,
    `${repeats} requests repeated`,
    `longest wait ${longestWait.toFixed(1)} s`,
    `${copies} copies of events in the topic`,
  ].join("; ");
