import type { Evidence } from "./evidence";
import { copiesIn } from "./topics";

export interface Figures {
  seed: number;
  /** Seconds from the first order to the last answer. */
  seconds: number;
  /** Seconds until everything had come to rest after that. */
  settling: number;
  faults: number;
  /** Requests that were sent once more, and the longest wait for a definite answer in milliseconds. */
  repeats: number;
  longestWait: number;
}

/** A run in one line. */
export function summaryOf({ seed, seconds, settling, faults, repeats, longestWait }: Figures, evidence: Evidence) {
  const { length } = evidence.entries;
  return [
    `seed ${seed}: ${length} orders in ${seconds.toFixed(0)} s (${(length / seconds).toFixed(1)}/s)`,
    `at rest ${settling.toFixed(0)} s later`,
    Object.entries(endsOf(evidence))
      .map(([status, count]) => `${count} ${status}`)
      .join(", "),
    `${faults} faults`,
    `${repeats} requests repeated`,
    `longest wait ${(longestWait / 1000).toFixed(1)} s`,
    `${copiesIn(evidence.messages)} copies of events in the topic`,
  ].join("; ");
}

function endsOf({ orders, entries }: Evidence): Record<string, number> {
  const ends: Record<string, number> = {};
  const refused = entries.filter(({ soldOut }) => soldOut).map(() => "refused for want of stock");
  for (const end of [...orders.map(({ status }) => status), ...refused]) ends[end] = (ends[end] ?? 0) + 1;
  return ends;
}
