import { type Answer, type CallOptions, expectStatus, Shop } from "../e2e/shop";

export interface Failure {
  /** Milliseconds since 1970. */
  at: number;
  what: string;
}

/** What clients asked and what went wrong. */
export class Tally {
  requests = 0;
  readonly failures: Failure[] = [];
  /** The longest that anybody waited for an answer, in milliseconds. */
  slowest = 0;

  failed(what: string): void {
    this.failures.push({ at: Date.now(), what });
  }

  async measure<T>(work: () => Promise<T>): Promise<T> {
    const began = Date.now();
    this.requests += 1;
    try {
      return await work();
    } finally {
      this.slowest = Math.max(this.slowest, Date.now() - began);
    }
  }
}

/** A client that asks once: whatever keeps it from its answer counts. */
export class CountingShop extends Shop {
  constructor(
    origin: string,
    private readonly tally: Tally,
  ) {
    super(origin);
  }

  override async call<T = Record<string, unknown>>(method: string, path: string, options: CallOptions = {}) {
    const what = `${method} ${path.split("?", 1)[0]}`;
    try {
      const answer: Answer<T> = await this.tally.measure(() => super.call<T>(method, path, options));
      const isMissing = answer.status === 404 && answer.body?.code === "NOT_FOUND";
      if (answer.status >= 500 || isMissing) this.tally.failed(`${what}: ${answer.status} ${answer.body?.code}`);
      return answer;
    } catch (error) {
      const { message, cause } = error as Error;
      this.tally.failed(`${what}: ${message} ${cause instanceof Error ? cause.message : ""}`);
      throw error;
    }
  }
}

export interface Sold {
  orders: number;
  quantity: number;
}

/** Customers who look around, order, pay and look at what they have, one after the other, until they are told to end. */
export async function goShopping(
  shop: Shop,
  tally: Tally,
  sku: string,
  customers: number,
  end: AbortSignal,
): Promise<Sold> {
  const sold: Sold = { orders: 0, quantity: 0 };
  const buy = async (token: string) => {
    await shop.products("?limit=5");
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
    sold.quantity += 1;
    const paid = expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
    const seen = await shop.order(token, paid.id);
    if (seen.status !== "paid") tally.failed(`order ${seen.id} is ${seen.status} after it was paid`);
    sold.orders += 1;
  };
  const live = async () => {
    const { accessToken: token } = await shop.register();
    while (!end.aborted)
      await buy(token).catch((error: unknown) => {
        // What failed was counted where it was seen, but for answers that nobody expected.
        const { message } = error as Error;
        if (/^4\d\d, not/.test(message) && !message.includes('"NOT_FOUND"')) tally.failed(message);
      });
  };
  await Promise.all(Array.from({ length: customers }, live));
  return sold;
}
