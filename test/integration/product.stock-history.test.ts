import { after as later } from "../../lib/time";
import { holdNext, openStock, outcome, pass, type StockLab } from "./product.stock.parts";

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

test("a call that was held up before it gave back its part leaves alone what a later call of the order took over", async () => {
  await put("A", 5);
  await put("B", 0);
  const items = [
    { sku: "A", quantity: 1 },
    { sku: "B", quantity: 1 },
  ];
  const until = later(60_000);
  const held = holdNext("update", (_, change) => JSON.stringify(change).includes("$unset"));
  const first = outcome(stock.reserve("o", until, items));
  await held.reached;
  await stock.adjust("B", "adj", { delta: 1, reason: "found", by: "x", at: later(0) });
  await stock.reserve("o", until, items);
  held.letGo();
  expect(await first).toBe("INSUFFICIENT_STOCK");
  expect(await look("A")).toMatchObject({ available: 4, reserved: 1 });
  expect(await look("B")).toMatchObject({ available: 0, reserved: 1 });
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
    const held = holdNext("insertMany");
    const slow = upkeep("A");
    await held.reached;
    await upkeep("A");
    await stock.giveBack("o", items);
    pass(2 * 3_600_000);
    await upkeep("A");
    held.letGo();
    await slow;
    await stock.giveBack("o", items);
    expect(await look("A")).toMatchObject({ available: 10, sold: 0, reservations: {} });
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
