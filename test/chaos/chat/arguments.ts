import { parseArgs } from "node:util";
import { wholeNumber } from "../arguments";
import { type Mistake, mistakeNamed } from "../mistakes";

export interface ChatChaosOptions {
  seed: number;
  customers: number;
  agents: number;
  /** That each customer sends. */
  messages: number;
  /** Milliseconds in which a client that is back has all that it missed (default 1000). */
  convergedMs?: number;
  /** A mistake that the checker has to find. */
  broken?: Mistake;
  /** Leave data and logs behind. */
  keep?: boolean;
}

export const usage = `npm run chaos:chat -- [--seed 7] [--customers 300] [--agents 30] [--messages 20] [--break outbox] [--keep]
    [--help]
  Customers and agents talk over sockets of two gateways, on NATS, MongoDB, Redis and Kafka servers of its own, while
  connections are cut, gateways and chat nodes killed and NATS and Kafka restarted; then it is checked that nothing was lost or doubled.
  --seed N        of the faults and of what people do: the same seed plans the same run (default 7)
  --customers N   at least 2 (default 300)
  --agents N      at least 2 (default 30)
  --messages N    that each customer sends, at least 1 (default 20)
  --break outbox  mark events as published before they are: the checker has to report the loss
  --keep          leave the folder with data and logs behind
  Status 0: nothing was violated; 1: something was, or the run failed; 2: wrong arguments.`;

/** What was asked for; throws an Error that says what cannot be understood. */
export function readArguments(args: string[]): ChatChaosOptions | "help" {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: "string", default: "7" },
      customers: { type: "string", default: "300" },
      agents: { type: "string", default: "30" },
      messages: { type: "string", default: "20" },
      break: { type: "string" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  return {
    seed: wholeNumber("--seed", values.seed, 0),
    customers: wholeNumber("--customers", values.customers, 2),
    agents: wholeNumber("--agents", values.agents, 2),
    messages: wholeNumber("--messages", values.messages, 1),
    broken: mistakeNamed(values.break),
    keep: values.keep,
  };
}
