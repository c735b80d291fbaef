import type { Choice } from "./choices";
import { deal, type Parties } from "./dealing";
import type { Entry } from "./ledger";

/** Orders that are dealt with at the same time. */
const AT_ONCE = 16;
const PROGRESS_EVERY = 100;

export interface Load extends Pick<Parties, "shop" | "admin" | "windowMs"> {
  choices: readonly Choice[];
  /** The customers' access tokens, and the products' SKUs, by number. */
  customers: readonly string[];
  skus: readonly string[];
  /** Resolves when the order of this number may begin. */
  begin: (index: number) => Promise<void>;
  say: (text: string) => void;
}

/** Deals with all orders, begun in the order of their numbers. */
export async function runLoad({ choices, customers, skus, begin, say, ...shared }: Load): Promise<Entry[]> {
  const entries = choices.map(
    ({ story, lines }, index): Entry => ({
      index,
      story,
      lines: lines.map(({ product, quantity }) => ({ sku: at(skus, product), quantity })),
      refunds: [],
      problems: [],
    }),
  );
  const waiting = entries.entries();
  let done = 0;
  const worker = async () => {
    for (const [index, entry] of waiting) {
      await begin(index);
      const choice = at(choices, index);
      await deal({ ...shared, customer: at(customers, choice.customer) }, choice, entry);
      done += 1;
      if (done % PROGRESS_EVERY === 0) say(`${done} of ${choices.length} orders`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return entries;
}

function at<T>(all: readonly T[], index: number): T {
  const one = all[index];
  if (one === undefined) throw new RangeError(`there is no number ${index}`);
  return one;
}
