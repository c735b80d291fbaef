import type { Check } from "../checker";
import type { ChatEvidence } from "./evidence";
import type { Ledger } from "./ledger";

export interface ChatFigures {
  seed: number;
  customers: number;
  agents: number;
  /** Seconds from the first message to the last closing, and until everything had come to rest after that. */
  seconds: number;
  settling: number;
  faults: number;
}

/** Of each check, in detail. */
const SHOWN = 5;

/** What a run found, as a table and the first violations in detail. */
export function reportOf(checks: readonly Check[], summary: readonly string[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length)) + 2;
  const looked = Math.max(...checks.map((one) => one.looked.length)) + 2;
  const line = (name: string, at: string, violations: string, verdict: string) =>
    `${name.padEnd(width)}${at.padEnd(looked)}${violations.padStart(10)}  ${verdict}`;
  const rows = checks.map(({ name, looked: at, violations }) =>
    line(name, at, String(violations.length), violations.length === 0 ? "ok" : "VIOLATED"),
  );
  const found = checks.filter(({ violations }) => violations.length > 0);
  const details = found.flatMap(({ name, violations }) => [
    `${name}: violated ${violations.length} times`,
    ...violations.slice(0, SHOWN).map((text) => `  ${text}`),
    ...(violations.length > SHOWN ? [`  and ${violations.length - SHOWN} more`] : []),
    "",
  ]);
  const verdict =
    found.length === 0 ? "Nothing was violated." : `Violated: ${found.map(({ name }) => name.trim()).join("; ")}.`;
  return [line("check", "looked at", "violations", "verdict"), ...rows, "", ...details, ...summary, verdict].join("\n");
}

export function summaryOf(figures: ChatFigures, evidence: ChatEvidence, ledger: Ledger): string[] {
  const { seed, customers, agents, seconds, settling, faults } = figures;
  const { talks, acknowledged, convergences, watched, messages } = evidence;
  const times = (among: typeof convergences) => {
    const sorted = among.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
    return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
  };
  const copies = messages.length - new Set(messages.map(({ value }) => value)).size;
  return [
    [
      `seed ${seed}: ${customers} customers, ${agents} agents`,
      `${acknowledged.length} messages in ${seconds.toFixed(0)} s (${(acknowledged.length / seconds).toFixed(1)}/s)`,
      `at rest ${settling.toFixed(0)} s later`,
      `${talks.length} conversations, ${ledger.transfers} passed on`,
      `${watched.mostWaiting} waited at most`,
      `longest with a place free ${watched.longestStuckMs} ms`,
    ].join("; "),
    [
      `${faults} faults, ${ledger.cuts} connections cut`,
      `${ledger.repeats} calls repeated, ${ledger.syncs} syncs`,
      `${ledger.refused} messages refused as it was closed and sent in the next`,
      `${copies} copies of events in the topic`,
    ].join("; "),
    `to have all after a reconnect: ${times(convergences.filter(({ disturbed }) => !disturbed))}; ` +
      `while something was away: ${times(convergences.filter(({ disturbed }) => disturbed))}`,
  ];
}
