import { after as later } from "../../lib/time";
import type { HoldState } from "../../services/product/stock";
import { openStock, outcome, pass, START, type StockLab } from "./product.stock.parts";

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

let lab: StockLab;
let stock: StockLab["stock"];
beforeEach(async () => {
  lab = await openStock();
  stock = lab.stock;
});
afterEach(() => lab.close());
const put = (sku: string, available: number) => lab.put(sku, available);
const look = (sku: string) => lab.look(sku);
const upkeep = (sku: string) => lab.upkeep(sku);
const expectConsistent = (sku: string, putIn: number) => lab.expectConsistent(sku, putIn);

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
