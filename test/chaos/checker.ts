import type { OrderFact } from "../../services/order/order.events";
import type { Order } from "../e2e/shop";
import type { Evidence } from "./evidence";
import { compareFacts, expectedFacts, type OrderFindings, readFact, type SeenFact } from "./facts";

/** One promise of the shop, and where it was broken. */
export interface Check {
  name: string;
  looked: string;
  violations: string[];
}

const TERMINAL = ["delivered", "cancelled", "refunded"];

const went = (order: Order, status: string) => order.history.some((line) => line.status === status);
/** What never left the house is sold again. */
const keptUnits = (order: Order) =>
  order.status !== "cancelled" && (order.status !== "refunded" || went(order, "shipped"));
const sumOf = (numbers: Iterable<number>) => [...numbers].reduce((sum, one) => sum + one, 0);

/** Every promise, kept or not. Pure: all that it knows is in the evidence. */
export function check(evidence: Evidence): Check[] {
  return [
    checkAnswers(evidence),
    checkExistence(evidence),
    checkEnds(evidence),
    ...checkEvents(evidence),
    checkSales(evidence),
    checkStock(evidence),
    checkMoney(evidence),
    checkOutbox(evidence),
    checkDeadLetters(evidence),
    checkProcesses(evidence),
  ];
}

/** Stock is short only where more was asked for than there ever was. */
function checkAnswers({ entries, stock }: Evidence): Check {
  const wanted = (sku: string, among: typeof entries) =>
    sumOf(among.flatMap(({ lines }) => lines.filter((line) => line.sku === sku).map(({ quantity }) => quantity)));
  const placed = entries.filter(({ id }) => id !== undefined);
  const scarce = new Set(
    stock
      .filter(({ sku, initial }) =>
        entries.some((entry) => entry.soldOut && wanted(sku, placed) + wanted(sku, [entry]) > initial),
      )
      .map(({ sku }) => sku),
  );
  const violations = entries.flatMap(({ index, problems, soldOut, lines }) => {
    const wrongly = soldOut && !lines.some(({ sku }) => scarce.has(sku));
    return [...problems, ...(wrongly ? ["INSUFFICIENT_STOCK, but there was enough"] : [])].map(
      (problem) => `order ${index}: ${problem}`,
    );
  });
  return { name: "every request got a right answer", looked: `${entries.length} customers' orders`, violations };
}

function checkExistence({ entries, orders }: Evidence): Check {
  const acknowledged = entries.flatMap(({ id }) => id ?? []);
  const there = new Set(orders.map(({ id }) => id));
  const promised = new Set(acknowledged);
  const violations = [
    ...[...promised].filter((id) => !there.has(id)).map((id) => `${id} was answered with 201 and is not there`),
    ...orders.filter(({ id }) => !promised.has(id)).map(({ id }) => `${id} is there, and nobody was told of it`),
    ...acknowledged.filter((id, i) => acknowledged.indexOf(id) !== i).map((id) => `${id} was answered to two requests`),
  ];
  return { name: "orders answered 201 exist, no others", looked: `${acknowledged.length} orders`, violations };
}

function checkEnds({ entries, orders }: Evidence): Check {
  const promised = new Map(entries.map((entry) => [entry.id, entry]));
  const violations = orders.flatMap((order) => {
    const { id, status, history } = order;
    if (!TERMINAL.includes(status)) return [`${id} is still ${status}`];
    if (history.at(-1)?.status !== status) return [`${id} is ${status}, its history ends ${history.at(-1)?.status}`];
    const entry = promised.get(id);
    if (!entry?.status) return [];
    if (entry.status !== status) return [`${id} (${entry.story}) is ${status}, promised was ${entry.status}`];
    const given = expectedFacts(order, entry.refunds).filter(({ type }) => type === "order.refunded").length;
    return given === entry.refunds.length ? [] : [`${id} was refunded ${given} times, not ${entry.refunds.length}`];
  });
  return { name: "orders have ended as was promised", looked: `${orders.length} orders`, violations };
}

function checkEvents({ entries, orders, messages }: Evidence): Check[] {
  const refunds = new Map(entries.map((entry) => [entry.id, entry.refunds]));
  const known = new Set(orders.map(({ id }) => id));
  const seen = new Map<string, SeenFact[]>();
  const invalid: string[] = [];
  const all: Record<keyof OrderFindings, string[]> = { lost: [], doubled: [], misordered: [], wrong: [] };
  for (const message of inTopicOrder(messages)) {
    const fact = readFact(message);
    const { key, partition, offset } = message;
    if (typeof fact === "string") invalid.push(`${partition}/${offset} of ${key}: ${fact}`);
    else if (known.has(key)) seen.set(key, [...(seen.get(key) ?? []), fact]);
    else all.doubled.push(`${key}: ${fact.type} of an order that is not there`);
  }
  let expected = 0;
  for (const order of orders) {
    const facts = expectedFacts(order, refunds.get(order.id) ?? []);
    expected += facts.length;
    const findings = compareFacts(facts, seen.get(order.id) ?? []);
    for (const kind of ["lost", "doubled", "misordered", "wrong"] as const)
      all[kind].push(...findings[kind].map((what) => `${order.id}: ${what}`));
  }
  const read = `${messages.length} messages`;
  return [
    { name: "events are valid CloudEvents", looked: read, violations: invalid },
    { name: "each event is in the topic", looked: `${expected} facts`, violations: all.lost },
    { name: "no fact has two events", looked: read, violations: all.doubled },
    { name: "events are in order per order", looked: `${orders.length} orders`, violations: all.misordered },
    { name: "events say what happened", looked: read, violations: all.wrong },
  ];
}

/** Of one partition by offset; between partitions there is no order. */
const inTopicOrder = (messages: Evidence["messages"]) =>
  messages.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);

/** What `order.paid` does to a product, counted from the events themselves: lost ones are another check's. */
function checkSales({ messages, sales, stock }: Evidence): Check {
  const productOf = new Map(stock.map(({ sku, productId }) => [sku, productId]));
  const paid = new Map(
    messages
      .map(readFact)
      .filter((fact): fact is SeenFact => typeof fact !== "string" && fact.type === "order.paid")
      .map((fact) => [fact.id, fact.data as OrderFact<"order.paid">]),
  );
  const expected = new Map<string, number>();
  for (const { sku, quantity } of [...paid.values()].flatMap(({ items }) => items)) {
    const product = productOf.get(sku) ?? sku;
    expected.set(product, (expected.get(product) ?? 0) + quantity);
  }
  const violations = [...new Set([...expected.keys(), ...sales.keys()])]
    .filter((id) => (sales.get(id) ?? 0) !== (expected.get(id) ?? 0))
    .map((id) => `product ${id}: ${sales.get(id) ?? 0} units counted, ${expected.get(id) ?? 0} in order.paid`);
  return { name: "each event had its effect once", looked: `${paid.size} order.paid`, violations };
}

function checkStock({ orders, stock }: Evidence): Check {
  const violations = stock.flatMap(({ sku, initial, available, reserved, sold }) => {
    const lines = orders.filter(keptUnits).flatMap(({ items }) => items);
    const kept = sumOf(lines.filter((line) => line.sku === sku).map(({ quantity }) => quantity));
    return [
      ...(available + sold + reserved === initial
        ? []
        : [`${sku}: ${available} + ${reserved} + ${sold} of ${initial}`]),
      ...(reserved === 0 ? [] : [`${sku}: ${reserved} reserved`]),
      ...(sold === kept ? [] : [`${sku}: ${sold} sold, orders keep ${kept}`]),
    ];
  });
  return { name: "stock adds up", looked: `${stock.length} SKUs`, violations };
}

function checkMoney({ entries, orders, held }: Evidence): Check {
  const refunds = new Map(entries.map((entry) => [entry.id, sumOf(entry.refunds)]));
  const due = new Map(
    orders.map((order) => {
      const keeps = went(order, "paid") && order.status !== "cancelled";
      return [order.id, keeps ? order.totals.total.amount - (refunds.get(order.id) ?? 0) : 0];
    }),
  );
  const violations = [...new Set([...due.keys(), ...held.keys()])]
    .filter((id) => (held.get(id) ?? 0) !== (due.get(id) ?? 0))
    .map((id) => `${id}: the provider holds ${held.get(id) ?? 0}, not ${due.get(id) ?? 0}`);
  return { name: "money adds up", looked: `${sumOf(due.values())} KRW`, violations };
}

function checkOutbox({ orders, outbox }: Evidence): Check {
  const violations = [...outbox].map(([id, count]) => `${id}: ${count} wait`);
  return { name: "the outbox is empty", looked: `${orders.length} orders`, violations };
}

function checkDeadLetters({ deadLetters }: Evidence): Check {
  const violations = deadLetters.map(({ key, headers }) => `${key}: ${headers["x-error"] ?? "no reason given"}`);
  return { name: "there are no dead letters", looked: "order-event.dlq", violations };
}

function checkProcesses({ deaths }: Evidence): Check {
  return { name: "no process ended by itself", looked: "all nodes", violations: [...deaths] };
}
