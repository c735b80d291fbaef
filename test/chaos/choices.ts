import type { Chance } from "./chance";

/** How customers' orders go on after they are placed, and of a hundred how many. */
const STORIES = {
  "paid and delivered": 24,
  "paid, then cancelled": 12,
  "cancelled unpaid": 10,
  "left to expire": 8,
  "declined, then paid and delivered": 10,
  "charged without an answer, delivered": 6,
  "refunded in part, delivered": 12,
  "refunded in full": 9,
  "delivered and sent back": 9,
};
export type Story = keyof typeof STORIES;

/** What a customer will do, before anything is known of how the shop answers. */
export interface Choice {
  customer: number;
  story: Story;
  /** By the product's number; the last product is the scarce one. */
  lines: { product: number; quantity: number }[];
  /** The part of the total that a refund in part gives back. */
  share: number;
}

/** Of a hundred orders. */
const TWO_LINES = 25;
const SCARCE = 6;

export interface Market {
  customers: number;
  /** Products in ample supply, then one scarce one. */
  products: number;
}

export function planChoices(chance: Chance, orders: number, { customers, products }: Market): Choice[] {
  const ample = Array.from({ length: products - 1 }, (_, product) => product);
  return Array.from({ length: orders }, (_, index) => {
    const wanted = chance.shuffled(ample).slice(0, chance.next() * 100 < TWO_LINES ? 2 : 1);
    if (chance.next() * 100 < SCARCE) wanted[0] = products - 1;
    return {
      customer: index % customers,
      story: chance.weighted(STORIES),
      lines: wanted.map((product) => ({ product, quantity: chance.between(1, 3) })),
      share: chance.between(10, 60) / 100,
    };
  });
}
