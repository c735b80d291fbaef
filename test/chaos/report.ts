import type { Check } from "./checker";

/** What a run found. */
export interface Findings {
  checks: readonly Check[];
  /** The run in figures, a line each. */
  summary: readonly string[];
  /** What had not come to rest in time. */
  left: readonly string[];
}

/** Of each check, in detail. */
const SHOWN = 5;

const violated = ({ checks }: Findings) => checks.filter(({ violations }) => violations.length > 0);

export const hasFailed = (findings: Findings): boolean => findings.left.length > 0 || violated(findings).length > 0;

/** As a table, and the first violations in detail. */
export function reportOf(findings: Findings): string {
  const { checks, summary, left } = findings;
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2;
  const looked = Math.max(...checks.map((one) => one.looked.length), "looked at".length) + 2;
  const line = (name: string, at: string, violations: string, verdict: string) =>
    `${name.padEnd(width)}${at.padEnd(looked)}${violations.padStart(10)}  ${verdict}`;
  const rows = checks.map((one) =>
    line(one.name, one.looked, String(one.violations.length), one.violations.length === 0 ? "ok" : "VIOLATED"),
  );
  const found = violated(findings);
  return [
    line("check", "looked at", "violations", "verdict"),
    ...rows,
    "",
    ...found.flatMap(details),
    ...summary,
    ...left.map((what) => `Not at rest: ${what}.`),
    found.length === 0 ? "Nothing was violated." : `Violated: ${found.map(({ name }) => name.trim()).join("; ")}.`,
  ].join("\n");
}

function details({ name, violations }: Check): string[] {
  const more = violations.length - SHOWN;
  const shown = violations.slice(0, SHOWN).map((text) => `  ${text}`);
  return [
    `${name.trim()}: violated ${violations.length} times`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    "",
  ];
}
