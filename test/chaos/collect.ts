import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection } from "mongoose";
import { deadLettersOf, type Topics } from "../../lib/topics/topics";
import { orderEvents } from "../../services/order/order.events";
import { expectStatus, type Order } from "../e2e/shop";
import type { Evidence, StockSeen } from "./evidence";
import type { PatientShop } from "./patient";
import { readAll } from "./topics";

/** The consumers whose effect is looked at. */
const GROUP = "product";
const TERMINAL = ["delivered", "cancelled", "refunded"];
const CHARGED = ["DONE", "PARTIAL_CANCELED", "CANCELED"];

export interface Supply {
  sku: string;
  productId: string;
  initial: number;
}

export interface Sources {
  shop: PatientShop;
  admin: string;
  topics: Topics;
  mongoUrl: string;
  supplies: readonly Supply[];
}

interface OrderPage {
  items: Order[];
  nextCursor: string | null;
}

interface OrderRecord {
  _id: string;
  outbox?: unknown[];
}

/** Where the evidence comes from: the shop's API, the topics, and for what neither shows the store. */
export class Collector {
  private constructor(
    private readonly from: Sources,
    private readonly mongo: Connection,
  ) {}

  static async on(sources: Sources): Promise<Collector> {
    return new Collector(sources, await createConnection(sources.mongoUrl).asPromise());
  }

  close(): Promise<void> {
    return this.mongo.close();
  }

  /** Resolves when everything has come to rest, or after `ms` with what has not. */
  async settle(ms: number, signal: AbortSignal): Promise<string[]> {
    for (const end = Date.now() + ms; ; ) {
      signal.throwIfAborted();
      const left = await this.left().catch((error: unknown) => [`it cannot be told: ${String(error)}`]);
      if (left.length === 0 || Date.now() > end) return left;
      await sleep(1000);
    }
  }

  async evidence(rest: Pick<Evidence, "entries" | "deaths">): Promise<Evidence> {
    const { topics } = this.from;
    const { topic } = orderEvents;
    const [orders, messages, deadLetters, sales, stock, held, outbox] = await Promise.all([
      this.orders(),
      readAll(topics, topic),
      readAll(topics, deadLettersOf(topic)),
      this.sales(),
      this.stock(),
      this.held(),
      this.outbox(),
    ]);
    return { ...rest, orders, messages, deadLetters, sales, stock, held, outbox };
  }

  private async left(): Promise<string[]> {
    const waiting = { $or: [{ status: { $nin: TERMINAL } }, { work: { $exists: true } }] };
    const [orders, outbox, payments, stock, lag] = await Promise.all([
      this.mongo.collection("order_orders").countDocuments(waiting),
      this.outbox(),
      this.mongo.collection("payment_payments").countDocuments({ due: { $exists: true } }),
      this.stock(),
      this.from.topics.lag(orderEvents.topic, GROUP),
    ]);
    const figures = {
      "orders are not at their end": orders,
      "orders have events waiting": outbox.size,
      "payments have something left to do": payments,
      "units are reserved": stock.reduce((sum, { reserved }) => sum + reserved, 0),
      [`messages are before the group ${GROUP}`]: lag,
    };
    return Object.entries(figures).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
  }

  private async orders(): Promise<Order[]> {
    const { shop, admin } = this.from;
    const all: Order[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const path: string = `/orders?limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`;
      const page: OrderPage = expectStatus(await shop.call<OrderPage>("GET", path, { token: admin }), 200);
      all.push(...page.items);
      cursor = page.nextCursor;
    }
    return all;
  }

  private stock(): Promise<StockSeen[]> {
    const { shop, admin, supplies } = this.from;
    return Promise.all(supplies.map(async (supply) => ({ ...supply, ...(await shop.stock(admin, supply.sku)) })));
  }

  private async sales(): Promise<Map<string, number>> {
    const records = this.mongo.collection<{ _id: string; sold: number }>("product_sales").find();
    return new Map((await records.toArray()).map(({ _id, sold }) => [_id, sold]));
  }

  /** Over all charges: the provider's own answer about an order shows one of them. */
  private async held(): Promise<Map<string, number>> {
    const charges = this.mongo.collection<{ orderId: string; balance: number }>("sandbox_charges");
    const held = new Map<string, number>();
    for (const { orderId, balance } of await charges.find({ status: { $in: CHARGED } }).toArray())
      held.set(orderId, (held.get(orderId) ?? 0) + balance);
    return held;
  }

  private async outbox(): Promise<Map<string, number>> {
    const orders = this.mongo.collection<OrderRecord>("order_orders");
    const waiting = await orders.find({ outbox: { $exists: true } }, { projection: { outbox: 1 } }).toArray();
    return new Map(waiting.flatMap(({ _id, outbox = [] }) => (outbox.length > 0 ? [[_id, outbox.length]] : [])));
  }
}
