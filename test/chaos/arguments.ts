import { parseArgs } from "node:util";
import type { Fault } from "./faults";
import { type Mistake, mistakeNamed } from "./mistakes";

export interface ChaosOptions {
  seed: number;
  orders: number;
  /** A mistake that the checker has to find. */
  broken?: Mistake;
  /** Which of the planned faults happen; default all. */
  faults?: (fault: Fault) => boolean;
  /** Leave data and logs behind. */
  keep?: boolean;
}

export const usage = `npm run chaos -- [--seed 7] [--orders 2000] [--break outbox] [--keep] [--help]
  Orders of many customers through a cluster of processes on NATS, MongoDB, Redis and Kafka servers of its own, while
  nodes are killed and frozen and the servers restarted; then it is checked that nothing was lost, doubled or miscounted.
  --seed N        of the faults and of the customers' choices: the same seed plans the same run (default 7)
  --orders N      how many orders, at least 50 (default 2000)
  --break outbox  mark events as published before they are: the checker has to report the loss
  --keep          leave the folder with data and logs behind
  Status 0: nothing was violated; 1: something was, or the run failed; 2: wrong arguments. MongoDB is never killed, as the
  stand-in for it loses acknowledged writes then.`;

/** What was asked for; throws an Error that says what cannot be understood. */
export function readArguments(args: string[]): ChaosOptions | "help" {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string", default: "7" },
      orders: { type: "string", default: "2000" },
      break: { type: "string" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  return {
    seed: wholeNumber("--seed", values.seed, 0),
    orders: wholeNumber("--orders", values.orders, 50),
    broken: mistakeNamed(values.break),
    keep: values.keep,
  };
}

export function wholeNumber(name: string, text: string, min: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw new Error(`${name} takes a whole number from ${min} on, not "${text}"`);
}
