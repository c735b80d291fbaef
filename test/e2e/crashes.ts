import { randomUUID } from "node:crypto";
import type { ShopNode } from "../../lib/infra/nodes";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { heldFor } from "./provider";
import { ADDRESS, type Answer, CARD, expectStatus, type Order } from "./shop";

const STOCK = 20;
const QUICK = { LEASE_MS: "400", PAYMENT_TIMEOUT_MS: "1000" };

/** A customer and an admin who try again, under the same key, whenever the shop died under a request. */
class Persistent {
  crashes = 0;
  constructor(
    private readonly place: Place,
    public node: ShopNode,
  ) {}

  call<T>(attempt: () => Promise<Answer<T>>): Promise<Answer<T>> {
    return this.until(async () => {
      const answer = await attempt();
      const isOver = answer.status < 500 || answer.status === 503;
      return isOver && answer.body?.code !== "IDEMPOTENCY_IN_PROGRESS" ? answer : undefined;
    });
  }

  /** What an attempt resolves with at last; the shop is started again wherever it died. */
  async until<T>(attempt: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const result = await attempt().catch(() => undefined);
      if (result !== undefined) return result;
      // A dying process may still hold its socket: only its end tells that it crashed.
      const died = await Promise.race([
        this.node.exited.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 100, false)),
      ]);
      if (died) await this.restart();
    }
  }

  async restart(): Promise<void> {
    this.crashes++;
    this.node = await this.place.start(QUICK);
  }
}

const settledStatuses = ["awaiting_payment", "paid", "cancelled"];

/** Kills an embedded shop at a step of its work, starts it again, and looks whether everything adds up. */
export function crashes(points: readonly string[]): void {
  describe.each(points)("killed at %s", (point) => {
    let place: Place;
    afterEach(() => place.remove());

    it("loses and doubles nothing", async () => {
      place = await newPlace();
      const { shop } = place;
      const run = new Persistent(place, await place.start({ ...QUICK, CRASH_AT: point }));
      const admin = (await shop.admin()).accessToken;
      const { sku } = await shop.newProduct(admin, STOCK);
      const { accessToken: token } = await shop.register();
      await shop.call("PUT", `/cart/items/${sku}`, { token, body: { quantity: 1 } });

      const order = async (items?: { sku: string; quantity: number }[]) => {
        const key = randomUUID();
        const body = { shippingAddress: ADDRESS, ...(items && { items }) };
        const answer = await run.call(() => shop.call<Order>("POST", "/orders", { token, key, body }));
        return expectStatus(answer, 201);
      };
      const pay = async (placed: Order, card = CARD.good) => {
        const paymentKey = await run.until(() => shop.checkout(placed, card));
        const key = randomUUID();
        await run.call(() => shop.confirm(token, placed, paymentKey, key));
      };
      const act = (placed: Order, deed: "cancel" | "refund", body: object) => {
        const key = randomUUID();
        return run.call(() => shop.call<Order>("POST", `/orders/${placed.id}/${deed}`, { token: admin, key, body }));
      };

      const kept = await order();
      // The order has to be told of its payment only where the provider's answer was lost.
      await pay(kept, point.startsWith("payment.tell") ? CARD.timesOut : CARD.good);
      const dropped = await order([{ sku, quantity: 2 }]);
      await pay(dropped);
      await act(dropped, "cancel", { reason: "test" });
      const refunded = await order([{ sku, quantity: 3 }]);
      await pay(refunded);
      await act(refunded, "refund", { amount: { amount: 1000, currency: "KRW" }, reason: "test" });
      const left = await order([{ sku, quantity: 4 }]);

      // Webhooks come when they come: whatever crashes the process by itself is waited for, too.
      if (run.crashes === 0) {
        await run.node.exited;
        await run.restart();
      }
      expect(run.crashes).toBe(1);

      const orders = await eventually(async () => {
        const { body } = await shop.call<{ items: Order[] }>("GET", "/orders?limit=100", { token });
        return body.items?.every((one) => settledStatuses.includes(one.status)) && body.items;
      }, 30_000);
      expect(orders.map((one) => one.id).sort()).toEqual([kept, dropped, refunded, left].map((one) => one.id).sort());
      const statusOf = (one: Order) => orders.find(({ id }) => id === one.id)?.status;
      expect([kept, dropped, refunded, left].map(statusOf)).toEqual(["paid", "cancelled", "paid", "awaiting_payment"]);

      // Money and stock are where the orders say, once what goes on in the background is done.
      const expectedMoney = orders.map((one) =>
        one.status === "paid" ? one.totals.total.amount - (one.id === refunded.id ? 1000 : 0) : 0,
      );
      await eventually(async () => {
        const held = await Promise.all(orders.map((one) => heldFor(place.ports.sandbox, one.id)));
        return held.every((amount, i) => amount === expectedMoney[i]);
      }, 20_000);
      await eventually(async () => {
        const { available, reserved, sold } = await shop.stock(admin, sku);
        return available === STOCK - 8 && reserved === 4 && sold === 4;
      }, 20_000);
      expect(await run.node.stop()).toEqual({ code: 0, signal: null });
    }, 120_000);
  });
}
