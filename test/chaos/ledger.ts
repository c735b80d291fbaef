import type { Story } from "./choices";

export interface Line {
  sku: string;
  quantity: number;
}

/** One order as those know it who asked for it: what the shop's answers promised. */
export interface Entry {
  index: number;
  story: Story;
  lines: Line[];
  /** Of the order, once placing was answered with 201. */
  id?: string;
  /** What the last answer said, or a deadline; undefined where an answer is missing, so that nothing is promised. */
  status?: string;
  /** Placing was answered with 409 INSUFFICIENT_STOCK. */
  soldOut?: boolean;
  /** What was promised back, in the order in which it was asked for, in minor units. */
  refunds: number[];
  /** Answers that should not have come. */
  problems: string[];
}
