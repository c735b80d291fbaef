import { copiesIn } from "../topics";
import type { ChatEvidence } from "./evidence";
import type { Convergence, Ledger } from "./ledger";

export interface ChatFigures {
  seed: number;
  customers: number;
  agents: number;
  /** Seconds from the first message to the last closing, and until everything had come to rest after that. */
  seconds: number;
  settling: number;
  faults: number;
}

/** Milliseconds beyond which disturbed reconnects are counted. */
const SLOW_MS = [1000, 5000];

/** A run in figures, a line each. */
export function summaryOf(figures: ChatFigures, evidence: ChatEvidence, ledger: Ledger): string[] {
  const { seed, customers, agents, seconds, settling, faults } = figures;
  const { talks, acknowledged, convergences, watched, messages } = evidence;
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
      `${copiesIn(messages)} copies of events in the topic`,
    ].join("; "),
    ...convergenceLines(convergences),
  ];
}

/** How soon clients that were back had all: where all was well, and where something was away. */
export function convergenceLines(convergences: readonly Convergence[]): string[] {
  const timesOf = (disturbed: boolean) =>
    convergences.flatMap((one) => (one.disturbed === disturbed ? [one.ms] : [])).sort((a, b) => a - b);
  const [calm, away] = [timesOf(false), timesOf(true)];
  const slow = SLOW_MS.map((limit) => `${away.filter((ms) => ms > limit).length} over ${limit / 1000} s`);
  return [
    `to have all after a reconnect: ${spread(calm)}`,
    `  where something was away: ${[spread(away), ...slow].join(", ")}`,
  ];
}

/** Of times in order. */
function spread(times: readonly number[]): string {
  const at = (percent: number) => times[Math.ceil((percent / 100) * times.length) - 1] ?? 0;
  return `${times.length} times, p50 ${at(50)} ms, p95 ${at(95)} ms, max ${at(100)} ms`;
}
