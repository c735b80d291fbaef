import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorType } from "../../lib/errors";
import type { Store } from "../../lib/store/collection";
import { NedbStore } from "../../lib/store/nedb";
import type { Archived, HoldState, Stock } from "../../services/product/stock";
import { stockStore } from "../../services/product/stock.store";

export const START = Date.parse("2026-03-01T10:00:00.000Z");

type Arguments = unknown[];
let holding:
  | { operation: string; fits: (...args: Arguments) => boolean; reach: () => void; gate: Promise<void> }
  | undefined;

/** Stops the next such operation before it is done, until it is let go. */
export function holdNext(operation: string, fits: (...args: Arguments) => boolean = () => true) {
  let letGo = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const reached = new Promise<void>((reach) => {
    holding = { operation, fits, reach, gate };
  });
  return { reached, letGo };
}

/** The embedded store, whose operations can be held up. */
function slowStore(folder: string): Store {
  const store = new NedbStore(folder);
  const collection: Store["collection"] = (service, options) =>
    new Proxy(store.collection(service, options), {
      get(target, operation: string) {
        const member: unknown = Reflect.get(target, operation);
        if (typeof member !== "function") return member;
        return async (...args: Arguments) => {
          const held = holding?.operation === operation && holding.fits(...args) ? holding : undefined;
          if (held) {
            holding = undefined;
            held.reach();
            await held.gate;
          }
          return member.apply(target, args);
        };
      },
    }) as never;
  return { collection, ping: () => store.ping() };
}

export type StockLab = Awaited<ReturnType<typeof openStock>>;

/** Stock on files of its own, at a time that only passes when it is told to. */
export async function openStock() {
  jest.useFakeTimers({
    now: START,
    doNotFake: ["nextTick", "setImmediate", "setTimeout", "clearTimeout", "setInterval"],
  });
  const folder = mkdtempSync(join(tmpdir(), "shop-stock-"));
  const stock = stockStore(slowStore(folder), () => {});
  for (const collection of stock.collections) await collection.open();

  const put = (sku: string, available: number) =>
    stock.stock.insert({
      _id: sku,
      productId: "p",
      available,
      reserved: 0,
      sold: 0,
      reservations: {},
      adjustments: {},
      version: Date.now(),
    });

  async function look(sku: string): Promise<Stock> {
    const found = await stock.stock.get(sku);
    if (!found) throw new Error(`no ${sku}`);
    return found;
  }
  const upkeep = async (sku: string) => stock.upkeep(await look(sku));

  /** What must hold after whatever happened: the counts are those of the holds, and nothing was made or lost. */
  async function expectConsistent(sku: string, putIn: number): Promise<void> {
    const found = await look(sku);
    const archived = (await stock.collections[1].find({})) as Archived[];
    const inDocument = (state: HoldState) =>
      Object.values(found.reservations).reduce((sum, hold) => sum + (hold.state === state ? hold.quantity : 0), 0);
    const soldInArchive = archived
      .filter(
        ({ _id, state }) =>
          state === "committed" && _id.startsWith(`${sku}:`) && !found.reservations[_id.slice(sku.length + 1)],
      )
      .reduce((sum, record) => sum + record.quantity, 0);
    expect(found.available).toBeGreaterThanOrEqual(0);
    expect(found.reserved).toBe(inDocument("reserved"));
    expect(found.sold).toBe(inDocument("committed") + soldInArchive);
    expect(found.available + found.reserved + found.sold).toBe(putIn);
  }

  return {
    stock,
    put,
    look,
    upkeep,
    expectConsistent,
    async close() {
      for (const collection of stock.collections) await collection.close();
      rmSync(folder, { recursive: true, force: true });
      jest.useRealTimers();
    },
  };
}

export const pass = (ms: number) => jest.setSystemTime(Date.now() + ms);

/** `ok`, or the code that it was refused with. */
export const outcome = (done: Promise<unknown>): Promise<string> =>
  done.then(
    () => "ok",
    (error: unknown) => errorType(error) ?? String(error),
  );
