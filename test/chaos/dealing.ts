import { isPast } from "../../lib/time";
import { ADDRESS, type Answer, CARD, type Order } from "../e2e/shop";
import type { Choice, Story } from "./choices";
import type { Entry } from "./ledger";
import { type PatientShop, Unanswered } from "./patient";

/** Who deals with whom about one order: the access tokens of a customer and of an admin. */
export interface Parties {
  shop: PatientShop;
  customer: string;
  admin: string;
  /** How long the shop waits for a payment, in milliseconds. */
  windowMs: number;
}

/** The story goes on no further: the order has ended otherwise, or a problem is noted. */
class StoryOver extends Error {}

/** The deeds about one order; what the answers promise goes into the entry. */
class Dealing {
  private order: Order | undefined;
  private tries = 0;

  constructor(
    private readonly parties: Parties,
    private readonly choice: Choice,
    private readonly entry: Entry,
  ) {}

  async place(): Promise<void> {
    const { shop, customer, windowMs } = this.parties;
    const { index, lines } = this.entry;
    const lateAt = Date.now() + windowMs;
    const answer = await shop.call<Order>("POST", "/orders", {
      token: customer,
      key: `${index}-place`,
      body: { items: lines, shippingAddress: ADDRESS },
    });
    if (answer.status === 409 && answer.body.code === "INSUFFICIENT_STOCK") {
      this.entry.soldOut = true;
      throw new StoryOver();
    }
    if (answer.status !== 201) this.isWrong("place", answer);
    this.order = answer.body;
    this.entry.id = answer.body.id;
    this.entry.status = answer.body.status;
    if (answer.body.status === "cancelled" && Date.now() > lateAt) throw new StoryOver();
    if (answer.body.status !== "awaiting_payment") this.isWrong("place", answer);
  }

  async pay(card = CARD.good): Promise<void> {
    const answer = await this.tryCard(card);
    this.becomes("paid", "pay", answer);
  }

  async isDeclined(): Promise<void> {
    const answer = await this.tryCard(CARD.declined);
    if (answer.status !== 402 || answer.body.code !== "PAYMENT_DECLINED") this.isWrong("pay with a bad card", answer);
  }

  async deliver(): Promise<void> {
    const parcel = { carrier: "CJ", trackingNumber: `T-${this.entry.index}` };
    this.becomes("shipped", "ship", await this.ask("ship", parcel));
    this.becomes("delivered", "deliver", await this.ask("deliver"));
  }

  async cancel(): Promise<void> {
    const answer = await this.ask("cancel", { reason: "changed my mind" }, this.parties.customer);
    if (answer.body.code === "ORDER_STATE") this.mayHaveExpired();
    this.becomes("cancelled", "cancel", answer);
  }

  /** The part of the total that was planned. */
  async refundPart(): Promise<void> {
    const { amount: total, currency } = this.placed().totals.total;
    const amount = Math.max(1, Math.floor(total * this.choice.share));
    const answer = await this.ask("refund", { amount: { amount, currency }, reason: "a scratch" });
    this.becomes("paid", "refund a part", answer);
    this.entry.refunds.push(amount);
  }

  async refundAll(): Promise<void> {
    this.becomes("refunded", "refund", await this.ask("refund", { reason: "not as described" }));
    this.entry.refunds.push(this.placed().totals.total.amount);
  }

  /** Nobody does anything any more. */
  leave(): void {
    this.entry.status = "cancelled";
  }

  private async tryCard(card: string): Promise<Answer<Order>> {
    const order = this.placed();
    const paymentKey = await this.parties.shop.checkout(order, card);
    const key = `${this.entry.index}-pay-${this.tries++}`;
    const answer = await this.parties.shop.confirm(this.parties.customer, order, paymentKey, key);
    if (answer.body.code === "ORDER_NOT_PAYABLE") this.mayHaveExpired();
    return answer;
  }

  private ask(deed: string, body: object = {}, token = this.parties.admin): Promise<Answer<Order>> {
    const path = `/orders/${this.placed().id}/${deed}`;
    return this.parties.shop.call<Order>("POST", path, { token, key: `${this.entry.index}-${deed}`, body });
  }

  private becomes(status: string, deed: string, answer: Answer<Order>): void {
    if (answer.status !== 200 || answer.body.status !== status) this.isWrong(deed, answer);
    this.entry.status = status;
  }

  /** Outages cost time: an order that nobody could pay in its window has ended rightly. */
  private mayHaveExpired(): void {
    const { expiresAt } = this.placed();
    if (this.entry.status !== "awaiting_payment" || !expiresAt || !isPast(expiresAt)) return;
    this.entry.status = "cancelled";
    throw new StoryOver();
  }

  private isWrong(deed: string, { status, body }: Answer<Order>): never {
    this.entry.problems.push(`${deed}: answered with ${status} ${body?.code ?? body?.status ?? ""}`);
    this.entry.status = undefined;
    throw new StoryOver();
  }

  private placed(): Order {
    if (!this.order) throw new Error("not placed yet");
    return this.order;
  }
}

const stories: Record<Story, (dealing: Dealing) => Promise<void>> = {
  "paid and delivered": async (dealing) => {
    await dealing.pay();
    await dealing.deliver();
  },
  "paid, then cancelled": async (dealing) => {
    await dealing.pay();
    await dealing.cancel();
  },
  "cancelled unpaid": (dealing) => dealing.cancel(),
  "left to expire": async (dealing) => dealing.leave(),
  "declined, then paid and delivered": async (dealing) => {
    await dealing.isDeclined();
    await dealing.pay();
    await dealing.deliver();
  },
  "charged without an answer, delivered": async (dealing) => {
    await dealing.pay(CARD.timesOut);
    await dealing.deliver();
  },
  "refunded in part, delivered": async (dealing) => {
    await dealing.pay();
    await dealing.refundPart();
    await dealing.deliver();
  },
  "refunded in full": async (dealing) => {
    await dealing.pay();
    await dealing.refundAll();
  },
  "delivered and sent back": async (dealing) => {
    await dealing.pay();
    await dealing.deliver();
    await dealing.refundAll();
  },
};

/** Places an order and does with it what was chosen; what came of it is in the entry. */
export async function deal(parties: Parties, choice: Choice, entry: Entry): Promise<void> {
  const dealing = new Dealing(parties, choice, entry);
  try {
    await dealing.place();
    await stories[choice.story](dealing);
  } catch (error) {
    if (error instanceof Unanswered) {
      entry.problems.push(error.message);
      entry.status = undefined;
    } else if (!(error instanceof StoryOver)) throw error;
  }
}
