import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorType } from "../../lib/errors";
import { NedbStore } from "../../lib/store/nedb";
import { after as later } from "../../lib/time";
import type { Archived, HoldState, Stock } from "../../services/product/stock";
import { type StockStore, stockStore } from "../../services/product/stock.store";

/** The same numbers for the same seed (mulberry32), so that a failure can be run again. */
function randomOf(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, of: <T>(choices: T[]): T => choices[below(choices.length)] as T };
}

const START = Date.parse("2026-03-01T10:00:00.000Z");
let folder: string;
let stock: StockStore;

beforeEach(async () => {
  jest.useFakeTimers({
    now: START,
    doNotFake: ["nextTick", "setImmediate", "setTimeout", "clearTimeout", "setInterval"],
  });
  folder = mkdtempSync(join(tmpdir(), "shop-stock-"));
  stock = stockStore(new NedbStore(folder), () => {});
  for (const collection of stock.collections) await collection.open();
});
afterEach(async () => {
  for (const collection of stock.collections) await collection.close();
  rmSync(folder, { recursive: true, force: true });
  jest.useRealTimers();
});

const pass = (ms: number) => jest.setSystemTime(Date.now() + ms);
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
const outcome = (done: Promise<unknown>): Promise<string> =>
  done.then(
    () => "ok",
    (error: unknown) => errorType(error) ?? String(error),
  );

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

/** What one order may expect of one SKU: the documented behaviour, without documents, archives or conditions. */
class Model {
  holds = new Map<string, { state: HoldState; quantity: number }>();
  constructor(
    public available: number,
    private readonly quantityOf: (orderId: string) => number,
    private readonly expiryOf: (orderId: string) => number,
  ) {}

  private take(orderId: string, state: HoldState): string {
    const quantity = this.quantityOf(orderId);
    if (this.available < quantity) return "INSUFFICIENT_STOCK";
    this.available -= quantity;
    this.holds.set(orderId, { state, quantity });
    return "ok";
  }

  private free(orderId: string, state: HoldState): string {
    const hold = this.holds.get(orderId);
    if (hold?.state === "reserved" || hold?.state === "committed") this.available += hold.quantity;
    this.holds.set(orderId, { state, quantity: this.quantityOf(orderId) });
    return "ok";
  }

  reserve(orderId: string): string {
    const state = this.holds.get(orderId)?.state;
    if (this.expiryOf(orderId) <= Date.now() || state === "released" || state === "returned")
      return "RESERVATION_EXPIRED";
    return state ? "ok" : this.take(orderId, "reserved");
  }
  commit(orderId: string): string {
    const hold = this.holds.get(orderId);
    if (hold?.state === "returned") return "STOCK_RETURNED";
    if (hold?.state === "committed") return "ok";
    if (hold?.state !== "reserved") return this.take(orderId, "committed");
    hold.state = "committed";
    return "ok";
  }
  release(orderId: string): string {
    const state = this.holds.get(orderId)?.state;
    if (state === "committed") return "STOCK_COMMITTED";
    return state === "returned" ? "ok" : this.free(orderId, "released");
  }
  return(orderId: string): string {
    return this.free(orderId, "returned");
  }
  upkeep(): void {
    for (const [orderId, { state }] of this.holds)
      if (state === "reserved" && this.expiryOf(orderId) <= Date.now()) this.free(orderId, "released");
  }
}

test.each([1, 2, 3, 4, 5, 6])(
  "whatever comes in whatever order, each call does what it says (seed %i)",
  async (seed) => {
    const random = randomOf(seed);
    const putIn = 12;
    await put("A", putIn);
    const orders = Array.from({ length: 8 }, (_, i) => `order-${i}`);
    const quantities = new Map(orders.map((id) => [id, 1 + random.below(4)]));
    const expiries = new Map(orders.map((id) => [id, START + 60_000 * (1 + random.below(30))]));
    const quantityOf = (id: string) => quantities.get(id) ?? 0;
    const expiryOf = (id: string) => expiries.get(id) ?? 0;
    const model = new Model(putIn, quantityOf, expiryOf);
    const steps: string[] = [];
    for (let step = 0; step < 250; step++) {
      const id = random.of(orders);
      const items = [{ sku: "A", quantity: quantityOf(id) }];
      const act = random.of(["reserve", "reserve", "commit", "release", "return", "upkeep", "pass"] as const);
      steps.push(`${act} ${id}`);
      if (act === "pass") pass(1000 * random.below(120));
      else if (act === "upkeep") {
        await upkeep("A");
        model.upkeep();
      } else {
        const done = {
          reserve: () => stock.reserve(id, later(0, expiryOf(id)), items),
          commit: () => stock.commit(id, items),
          release: () => stock.release(id, items),
          return: () => stock.giveBack(id, items),
        }[act]();
        expect([steps.length, ...steps.slice(-8), await outcome(done)]).toEqual([
          steps.length,
          ...steps.slice(-8),
          model[act](id),
        ]);
      }
      expect((await look("A")).available).toBe(model.available);
      await expectConsistent("A", putIn);
    }
  },
);

test.each([11, 12, 13, 14])("calls that race make and lose nothing (seed %i)", async (seed) => {
  const random = randomOf(seed);
  const skus = ["A", "B", "C"];
  for (const sku of skus) await put(sku, 10);
  let adjusted = 0;
  const orders = Array.from({ length: 6 }, (_, i) => `order-${seed}-${i}`);
  const expiries = new Map(orders.map((id) => [id, later(1000 * (60 + random.below(1800)))]));
  for (let step = 0; step < 60; step++) {
    const racing = Array.from({ length: 1 + random.below(6) }, async () => {
      const id = random.of(orders);
      const items = skus.filter(() => random.below(3) > 0).map((sku) => ({ sku, quantity: 2 }));
      if (items.length === 0) return upkeep(random.of(skus));
      const act = random.below(6);
      if (act < 2) return outcome(stock.reserve(id, expiries.get(id) ?? "", items));
      if (act === 2) return outcome(stock.commit(id, items));
      if (act === 3) return outcome(stock.release(id, items));
      if (act === 4) return outcome(stock.giveBack(id, items));
      const adjustment = { delta: 1, reason: "found", by: "x", at: later(0) };
      await Promise.all([stock.adjust("A", `adj-${step % 7}`, adjustment), upkeep("A"), upkeep("B")]);
    });
    await Promise.all(racing);
    pass(1000 * random.below(60));
    const ids = new Set([
      ...Object.keys((await look("A")).adjustments),
      ...(await stock.collections[1].find({ state: "adjusted" })).map(({ _id }) => _id.slice(2)),
    ]);
    adjusted = ids.size;
    for (const sku of skus) await expectConsistent(sku, 10 + (sku === "A" ? adjusted : 0));
  }
  for (const id of orders)
    await stock.giveBack(
      id,
      skus.map((sku) => ({ sku, quantity: 2 })),
    );
  for (const sku of skus) expect((await look(sku)).available).toBe(10 + (sku === "A" ? adjusted : 0));
});

describe("what is settled leaves the document", () => {
  const items = [{ sku: "A", quantity: 2 }];
  const sellAndArchive = async () => {
    await put("A", 10);
    await stock.reserve("o", later(10 * 60_000), items);
    await stock.commit("o", items);
    pass(12 * 60_000);
    await upkeep("A");
    const found = await look("A");
    expect(found.reservations).toEqual({});
    expect(found.due).toBeUndefined();
  };

  test("and a later commit, release or return still counts once", async () => {
    await sellAndArchive();
    await stock.commit("o", items);
    expect(await outcome(stock.release("o", items))).toBe("STOCK_COMMITTED");
    await expectConsistent("A", 10);
    await Promise.all([stock.giveBack("o", items), stock.giveBack("o", items), stock.giveBack("o", items)]);
    expect(await look("A")).toMatchObject({ available: 10, sold: 0 });
    pass(2 * 3_600_000);
    await upkeep("A");
    expect((await look("A")).reservations).toEqual({});
    await stock.giveBack("o", items);
    expect(await outcome(stock.commit("o", items))).toBe("STOCK_RETURNED");
    expect(await look("A")).toMatchObject({ available: 10, sold: 0 });
  });

  test("and a sweeper that was held up does not put an older state into the archive", async () => {
    await put("A", 10);
    await stock.reserve("o", later(60_000), items);
    await stock.commit("o", items);
    pass(3 * 60_000);
    const asSeenBefore = await look("A");
    await upkeep("A");
    await stock.giveBack("o", items);
    pass(3 * 60_000);
    await upkeep("A");
    await stock.upkeep(asSeenBefore);
    await stock.giveBack("o", items);
    expect(await look("A")).toMatchObject({ available: 10, sold: 0 });
  });

  test("early where many orders hold the SKU, so that the document stays small", async () => {
    await put("A", 1000);
    for (let i = 0; i < 150; i++) {
      await stock.reserve(`o${i}`, later(60 * 60_000), items);
      await stock.commit(`o${i}`, items);
    }
    pass(61_000);
    await upkeep("A");
    expect(Object.keys((await look("A")).reservations)).toHaveLength(50);
    expect(await look("A")).toMatchObject({ available: 700, reserved: 0, sold: 300 });
    await expectConsistent("A", 1000);
    await stock.reserve("o1", later(59 * 60_000), items);
    expect(await look("A")).toMatchObject({ available: 700, reserved: 0, sold: 300 });
    await stock.reserve("new", later(60 * 60_000), items);
    expect(await look("A")).toMatchObject({ available: 698, reserved: 2 });
  });

  test("many that lapse at once are released, also when one is sold meanwhile", async () => {
    await put("A", 1000);
    const until = later(60_000);
    for (let i = 0; i < 150; i++) await stock.reserve(`o${i}`, until, items);
    pass(61_000);
    const asSeenBefore = await look("A");
    await stock.commit("o7", items);
    await stock.upkeep(asSeenBefore);
    expect(await look("A")).toMatchObject({ available: 998, reserved: 0, sold: 2 });
    await expectConsistent("A", 1000);
  });

  test("but not before a late repetition of the reservation is refused by its own time", async () => {
    await put("A", 10);
    const until = later(30 * 60_000);
    await stock.reserve("o", until, items);
    await stock.release("o", items);
    pass(20 * 60_000);
    await upkeep("A");
    expect(await outcome(stock.reserve("o", until, items))).toBe("RESERVATION_EXPIRED");
    pass(20 * 60_000);
    await upkeep("A");
    expect((await look("A")).reservations).toEqual({});
    expect(await outcome(stock.reserve("o", until, items))).toBe("RESERVATION_EXPIRED");
    expect(await look("A")).toMatchObject({ available: 10, reserved: 0 });
  });

  test("an adjustment too, and its id still counts once", async () => {
    await put("A", 10);
    const adjustment = { delta: 5, reason: "found", by: "x", at: later(0) };
    await stock.adjust("A", "adj", adjustment);
    pass(120_000);
    await upkeep("A");
    expect((await look("A")).adjustments).toEqual({});
    await stock.adjust("A", "adj", adjustment);
    expect((await look("A")).available).toBe(15);
  });
});
