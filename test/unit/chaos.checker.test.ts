import type { Received } from "../../lib/topics/topics";
import { check } from "../chaos/checker";
import type { Evidence } from "../chaos/evidence";
import { expectedFacts } from "../chaos/facts";
import type { Entry } from "../chaos/ledger";
import type { Order } from "../e2e/shop";

const PRICE = 1000;
const STOCK = 10;
const SHIPPING = 3000;
const won = (amount: number) => ({ amount, currency: "KRW" });

const anOrder = (id: string, quantity: number, ...statuses: string[]): Order => ({
  id,
  number: `N-${id}`,
  customerId: "customer",
  status: statuses.at(-1) ?? "",
  items: [{ sku: "A", quantity, name: "Tea", unitPrice: won(PRICE), lineTotal: won(PRICE * quantity) }],
  totals: { items: won(PRICE * quantity), shipping: won(SHIPPING), total: won(PRICE * quantity + SHIPPING) },
  payment: {
    id: `payment-${id}`,
    provider: "sandbox",
    status: "paid",
    refunded: won(0),
    client: { checkoutUrl: "", orderId: id, amount: PRICE * quantity + SHIPPING },
  },
  history: statuses.map((status) => ({ status, at: "2026-01-01T00:00:00.000Z", by: "somebody", reason: "why" })),
});
const entryOf = ({ id, status, items }: Order, more: Partial<Entry> = {}): Entry => ({
  index: 0,
  story: "paid and delivered",
  lines: items.map(({ sku, quantity }) => ({ sku, quantity })),
  id,
  status,
  refunds: [],
  problems: [],
  ...more,
});

/** What the shop publishes about an order, in one partition from the offset on. */
function messagesOf(order: Order, refunds: number[], offset: number): Received[] {
  return expectedFacts(order, refunds).map(({ type, data }, i) => {
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const event = {
      specversion: "1.0",
      id: `${order.id}-${i}`,
      type,
      source: "/order",
      subject: order.id,
      time: "2026-01-01T00:00:00.000Z",
      datacontenttype: "application/json",
      dataschema: `http://localhost/schemas/${type}.json`,
      traceparent,
      data,
    };
    const value = JSON.stringify(event);
    return { topic: "order-event", partition: 0, offset: offset + i, key: order.id, value, headers: { traceparent } };
  });
}

const REFUND = 1500;
const kept = anOrder("kept", 2, "awaiting_payment", "paid", "paid", "shipped", "delivered");
const dropped = anOrder("dropped", 3, "awaiting_payment", "paid", "cancelled");
const sentBack = anOrder("sent-back", 1, "awaiting_payment", "paid", "shipped", "delivered", "refunded");

/** A small run in which nothing went wrong: five units kept in part, given back and sent back. */
function faultless(): Evidence & { messages: Received[]; orders: Order[]; entries: Entry[] } {
  return {
    entries: [
      entryOf(kept, { refunds: [REFUND] }),
      entryOf(dropped),
      entryOf(sentBack, { refunds: [sentBack.totals.total.amount] }),
    ],
    orders: [kept, dropped, sentBack],
    messages: [
      ...messagesOf(kept, [REFUND], 0),
      ...messagesOf(dropped, [], 10),
      ...messagesOf(sentBack, [sentBack.totals.total.amount], 20),
    ],
    deadLetters: [],
    sales: new Map([["a", 6]]),
    stock: [{ sku: "A", productId: "a", initial: STOCK, available: STOCK - 3, reserved: 0, sold: 3 }],
    held: new Map([[kept.id, kept.totals.total.amount - REFUND]]),
    outbox: new Map(),
    deaths: [],
  };
}

/** The names of the checks that found something, with how much. */
const violated = (evidence: Evidence) =>
  Object.fromEntries(check(evidence).flatMap((one) => (one.violations.length > 0 ? [[one.name, one.violations]] : [])));

const reading = (message: Received | undefined) => JSON.parse(message?.value ?? "") as Record<string, unknown>;
const rewritten = (message: Received | undefined, change: object): Received => {
  if (!message) throw new Error("no such message");
  return { ...message, value: JSON.stringify({ ...reading(message), ...change }) };
};
const typeOf = (message: Received) => reading(message).type;

test("a faultless run violates nothing, copies of an event either", () => {
  const evidence = faultless();
  expect(violated(evidence)).toEqual({});
  const again = evidence.messages.slice(0, 2).map((message, i) => ({ ...message, offset: 5 + i }));
  expect(violated({ ...evidence, messages: [...evidence.messages, ...again] })).toEqual({});
});

describe("finds", () => {
  const EXISTENCE = "orders answered 201 exist, no others";
  const ANSWERS = "every request got a right answer";
  const ENDS = "orders have ended as was promised";

  it("a request without a right answer", () => {
    const evidence = faultless();
    evidence.entries[0]?.problems.push("pay: answered with 500");
    expect(violated(evidence)).toEqual({ [ANSWERS]: ["order 0: pay: answered with 500"] });
  });

  it("an order refused for want of stock while there was enough, not one that was right", () => {
    const refusal = (quantity: number) =>
      entryOf(kept, { id: undefined, status: undefined, soldOut: true, lines: [{ sku: "A", quantity }] });
    const evidence = faultless();
    expect(violated({ ...evidence, entries: [...evidence.entries, refusal(5)] })).toEqual({});
    expect(violated({ ...evidence, entries: [...evidence.entries, refusal(4)] })).toEqual({
      [ANSWERS]: [expect.stringContaining("there was enough")],
    });
  });

  it("an acknowledged order that is not there, one that nobody was told of, and one answered twice", () => {
    const evidence = faultless();
    expect(violated({ ...evidence, orders: [kept, sentBack] })[EXISTENCE]).toEqual([
      expect.stringContaining("dropped was answered"),
    ]);
    expect(violated({ ...evidence, entries: evidence.entries.slice(1) })[EXISTENCE]).toEqual([
      expect.stringContaining("kept is there"),
    ]);
    const twice = [...evidence.entries, ...evidence.entries.slice(0, 1)];
    expect(violated({ ...evidence, entries: twice })[EXISTENCE]).toEqual([expect.stringContaining("two requests")]);
  });

  it("an order that has not ended, or otherwise than was promised", () => {
    const evidence = faultless();
    const waiting = anOrder("dropped", 3, "awaiting_payment", "paid");
    expect(violated({ ...evidence, orders: [kept, waiting, sentBack] })[ENDS]).toEqual(["dropped is still paid"]);
    const [first, , third] = evidence.entries as [Entry, Entry, Entry];
    expect(violated({ ...evidence, entries: [first, entryOf(dropped, { status: "delivered" }), third] })).toEqual({
      [ENDS]: [expect.stringContaining("promised was delivered")],
    });
  });

  it("a lost event, an acknowledged refund without a line in the history too", () => {
    const evidence = faultless();
    const lossy = evidence.messages.filter((message) => message.key !== "kept" || typeOf(message) !== "order.shipped");
    expect(violated({ ...evidence, messages: lossy })).toEqual({
      "each event is in the topic": ["kept: order.shipped"],
    });
    const unrefunded = anOrder("kept", 2, "awaiting_payment", "paid", "shipped", "delivered");
    expect(violated({ ...evidence, orders: [unrefunded, dropped, sentBack] })[ENDS]).toEqual([
      "kept was refunded 0 times, not 1",
    ]);
  });

  it("two events for one fact, and events of no order", () => {
    const evidence = faultless();
    const doubled = { ...rewritten(evidence.messages[1], { id: "another" }), offset: 9 };
    const found = violated({ ...evidence, messages: [...evidence.messages, doubled] });
    expect(found["no fact has two events"]).toEqual(["kept: order.paid"]);
    const foreign = { ...rewritten(evidence.messages[0], { subject: "nobody's", id: "x" }), key: "nobody's" };
    expect(violated({ ...evidence, messages: [...evidence.messages, foreign] })).toEqual({
      "no fact has two events": [expect.stringContaining("nobody's")],
    });
  });

  it("events out of order, and in several partitions", () => {
    const evidence = faultless();
    const [placed, paid, ...rest] = evidence.messages as [Received, Received, ...Received[]];
    const swapped = [{ ...placed, offset: 1 }, { ...paid, offset: 0 }, ...rest];
    const ORDER = "events are in order per order";
    expect(violated({ ...evidence, messages: swapped })).toEqual({ [ORDER]: [expect.stringContaining("kept")] });
    const apart = [placed, { ...paid, partition: 1 }, ...rest];
    expect(violated({ ...evidence, messages: apart })[ORDER]).toContain("kept: in the partitions 0, 1");
  });

  it.each([
    ["is no JSON", { value: "{" }],
    ["is no CloudEvent", { value: JSON.stringify({ specversion: "1.0", type: "order.placed" }) }],
    ["carries no trace in its headers", { headers: {} }],
  ])("an event that %s", (_, change) => {
    const evidence = faultless();
    const copy = { ...(evidence.messages[0] as Received), offset: 9, ...change };
    const found = violated({ ...evidence, messages: [...evidence.messages, copy] });
    expect(found).toEqual({ "events are valid CloudEvents": [expect.stringContaining("0/9 of kept")] });
  });

  it.each([
    ["another subject than its key", { subject: "dropped" }],
    ["data that does not fit its schema", { data: { orderId: "kept" } }],
    ["a type that is not an order's", { type: "order.vanished" }],
  ])("an event with %s", (_, change) => {
    const evidence = faultless();
    const copy = { ...rewritten(evidence.messages[0], change), offset: 9 };
    const found = violated({ ...evidence, messages: [...evidence.messages, copy] });
    expect(found).toEqual({ "events are valid CloudEvents": [expect.stringContaining("0/9 of kept")] });
  });

  it("an event that says something else than what happened, and copies that differ", () => {
    const evidence = faultless();
    const WRONG = "events say what happened";
    const at = evidence.messages.findIndex((message) => typeOf(message) === "order.refunded");
    const data = reading(evidence.messages[at]).data as object;
    const wrong = rewritten(evidence.messages[at], { data: { ...data, amount: won(1) } });
    expect(violated({ ...evidence, messages: evidence.messages.with(at, wrong) })).toEqual({
      [WRONG]: [expect.stringContaining("amount")],
    });
    const differing = [...evidence.messages, { ...wrong, offset: 9 }];
    expect(violated({ ...evidence, messages: differing })).toEqual({ [WRONG]: [expect.stringContaining("differ")] });
  });

  it("an amount where nothing had been paid, and none where something had", () => {
    const evidence = faultless();
    const at = evidence.messages.findIndex((message) => typeOf(message) === "order.cancelled");
    const { amount, ...data } = reading(evidence.messages[at]).data as { amount?: object };
    expect(amount).toEqual(dropped.totals.total);
    const mute = evidence.messages.with(at, rewritten(evidence.messages[at], { data }));
    expect(violated({ ...evidence, messages: mute })["events say what happened"]).toEqual([
      expect.stringContaining("amount is undefined"),
    ]);
    const unpaid = anOrder("unpaid", 1, "awaiting_payment", "cancelled");
    expect(expectedFacts(unpaid, [])[1]?.data).not.toHaveProperty("amount");
  });

  it("an effect that came twice or never", () => {
    const SALES = "each event had its effect once";
    expect(violated({ ...faultless(), sales: new Map([["a", 8]]) })).toEqual({
      [SALES]: ["product a: 8 units counted, 6 in order.paid"],
    });
    expect(violated({ ...faultless(), sales: new Map() })[SALES]).toHaveLength(1);
  });

  it.each([
    ["missing", { available: 6 }, 1],
    ["still reserved", { available: 6, reserved: 1 }, 1],
    ["sold without an order", { available: 6, sold: 4 }, 1],
    ["not given back and missing", { sold: 6 }, 2],
  ])("units that are %s", (_, change, count) => {
    const evidence = faultless();
    const stock = evidence.stock.map((one) => ({ ...one, ...change }));
    expect(violated({ ...evidence, stock })["stock adds up"]).toHaveLength(count);
  });

  it.each([
    ["was not given back", [["dropped", dropped.totals.total.amount]]],
    ["was charged twice", [["kept", 2 * kept.totals.total.amount - REFUND]]],
    ["belongs to no order", [["nobody's", 1]]],
  ] as const)("money that %s", (_, more) => {
    const evidence = faultless();
    const held = new Map([...evidence.held, ...more]);
    expect(Object.keys(violated({ ...evidence, held }))).toEqual(["money adds up"]);
  });

  it("events that wait, dead letters, and processes that died", () => {
    const evidence = faultless();
    const letter = { ...(evidence.messages[0] as Received), headers: { "x-error": "no good" } };
    const found = violated({
      ...evidence,
      outbox: new Map([["kept", 1]]),
      deadLetters: [letter],
      deaths: ["order.1 ended by exit 1"],
    });
    expect(found).toEqual({
      "the outbox is empty": ["kept: 1 wait"],
      "there are no dead letters": ["kept: no good"],
      "no process ended by itself": ["order.1 ended by exit 1"],
    });
  });
});
