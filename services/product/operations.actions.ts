import type { ActionSchema, ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import { invalid } from "../../lib/errors";
import { now } from "../../lib/time";
import { inventoryOf, unknownSku } from "./admin.actions";
import {
  CorrectParams,
  type Holds,
  HoldsParams,
  Holds as HoldsView,
  StockParams,
  type StockStory,
  StockStory as StockView,
} from "./operations.schema";
import { InventoryView } from "./product.schema";
import type { Hold, Stock } from "./stock";
import type { StockStore } from "./stock.store";

/** Reservations that are listed. */
const LISTED = 100;

type HeldView = StockStory["reservations"][number];

const holdOf = (orderId: string, { quantity, state, expiresAt, settledAt }: Hold): HeldView => ({
  orderId,
  quantity,
  state,
  expiresAt,
  ...(settledAt && { at: settledAt }),
});

/** What is over of it and still in the document. */
function settledIn({ reservations, adjustments }: Stock): StockStory["history"] {
  const holds = Object.entries(reservations).flatMap(([of, { quantity, state, settledAt: at }]) =>
    at === undefined ? [] : [{ at, what: state as string, quantity, of }],
  );
  const adjusted = Object.values(adjustments).map(({ delta: quantity, reason, by: of, at }) => ({
    ...{ at, what: "adjusted", quantity, of },
    reason,
  }));
  return [...holds, ...adjusted];
}

/** What whoever operates the shop asks: `product.contract.ts` says what each promises. */
export function operationsActions(stock: StockStore, logger: ServiceBroker["logger"]): Record<string, ActionSchema> {
  async function holds(orderId: string, sku: string): Promise<Holds["items"]> {
    const [found, archived] = await Promise.all([stock.get(sku), stock.archived(sku, orderId)]);
    const hold = found?.reservations[orderId];
    if (hold) return [{ sku, ...holdOf(orderId, hold) }];
    return archived ? [{ sku, orderId, quantity: archived.quantity, state: archived.state, at: archived.at }] : [];
  }

  return {
    stock: action({
      params: StockParams,
      returns: StockView,
      retryable: true,
      async handler({ params: { sku, limit } }) {
        const [found, archive] = await Promise.all([stock.get(sku), stock.history(sku, limit)]);
        if (!found) throw unknownSku();
        const { productId, available, reserved, sold } = found;
        const held = Object.entries(found.reservations)
          .filter(([, { state }]) => state === "reserved")
          .map(([orderId, hold]) => holdOf(orderId, hold))
          .sort((a, b) => ((a.expiresAt ?? "") < (b.expiresAt ?? "") ? -1 : 1));
        const history = [...settledIn(found), ...archive].sort((a, b) => (a.at > b.at ? -1 : 1)).slice(0, limit);
        const reservations = held.slice(0, LISTED);
        return { sku, available, reserved, sold, productId, reservations, held: held.length, history };
      },
    }),

    correct: action({
      params: CorrectParams,
      returns: InventoryView,
      retryable: true,
      async handler({ params: { id, sku, delta, to, reason, operator } }) {
        const what = to === undefined ? delta !== undefined && { delta } : delta === undefined && { to };
        if (!what) throw invalid([{ path: "delta", message: "either this or `to` is required" }]);
        const corrected = await stock.adjust(sku, id, { ...what, reason, by: operator, at: now() });
        if (!corrected) throw unknownSku();
        logger.info({ operator, sku, ...what, available: corrected.available, reason }, "stock was corrected");
        return inventoryOf(corrected);
      },
    }),

    holds: action({
      params: HoldsParams,
      returns: HoldsView,
      retryable: true,
      async handler({ params: { orderId, skus } }) {
        return { items: (await Promise.all(skus.map((sku) => holds(orderId, sku)))).flat() };
      },
    }),
  };
}
