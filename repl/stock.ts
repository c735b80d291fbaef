import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { newId } from "../lib/ids";
import type { StockStory } from "../services/product/operations.schema";
import { command, type Line, limitOf, optionOf } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";
import { type Column, facts, section, table } from "./table";
import { ago, count, grouped, signed, whenAndAgo } from "./text";

const DEFAULT_LIMIT = 20;

const HELD: Column<StockStory["reservations"][number]>[] = [
  { name: "order", cell: ({ orderId }) => orderId, gives: true },
  { name: "quantity", cell: ({ quantity }) => grouped(quantity), right: true },
  { name: "lapses", cell: ({ expiresAt }) => ago(expiresAt) },
];
const OVER: Column<StockStory["history"][number]>[] = [
  { name: "when (UTC)", cell: ({ at }) => whenAndAgo(at) },
  { name: "what", cell: ({ what }) => what },
  {
    name: "quantity",
    cell: ({ what, quantity }) => (what === "adjusted" ? signed(quantity) : grouped(quantity)),
    right: true,
  },
  { name: "of", cell: ({ of }) => of, gives: true },
  { name: "reason", cell: ({ reason }) => reason ?? "", gives: true },
];

async function show(broker: ServiceBroker, sku: string, line: Line): Promise<string> {
  const limit = limitOf(line, DEFAULT_LIMIT);
  const stock = await callOf(broker)("product.stock", { sku, limit });
  const { available, reserved, sold, productId, reservations, held, history } = stock;
  const levels: [string, number][] = [
    ["available", available],
    ["reserved", reserved],
    ["sold", sold],
  ];
  const width = Math.max(...levels.map(([, level]) => grouped(level).length));
  const more = held > reservations.length ? `\n${count(held, "order")} in all.` : "";
  return [
    facts([
      ["sku", sku],
      ["product", productId],
      ...levels.map(([name, level]): [string, string] => [name, grouped(level).padStart(width)]),
    ]),
    section("Reservations", reservations.length > 0 ? table(reservations, HELD) + more : "None."),
    section("History", history.length > 0 ? table(history, OVER) : "None."),
  ].join("\n\n");
}

/** `+3`, `-3` or `=3`. */
function changeOf(text = ""): { delta: number } | { to: number } {
  const [, sign = "", digits = ""] = /^([+=-])(\d{1,7})$/.exec(text) ?? [];
  if (!digits || (sign !== "=" && Number(digits) === 0))
    throw new Refusal(`Say by how much (+3, -3) or what was counted (=3), not "${text}".`);
  return sign === "=" ? { to: Number(digits) } : { delta: Number(`${sign}${digits}`) };
}

async function correct(broker: ServiceBroker, line: Line): Promise<string> {
  const [, sku, text] = line.words;
  const reason = optionOf(line, "reason");
  if (!sku) throw new Refusal('Say which SKU and by how much: stock correct <sku> <+n|-n|=n> --reason "..."');
  const change = changeOf(text);
  if (!reason) throw new Refusal('Say why: --reason "counted again". It stands in the SKU\'s history.');
  await confirmed(line, `Correct what is available of ${sku} by ${text}?`.replace(" by =", " to "));
  const corrected = await callOf(broker)("product.correct", {
    ...{ id: newId(), sku, reason, operator: operator() },
    ...change,
  });
  const { available, reserved, sold } = corrected;
  return `${sku}: ${grouped(available)} available, ${grouped(reserved)} reserved, ${grouped(sold)} sold.`;
}

/** Stock of a SKU, and its correction after a count. */
export const stockCommand = command({
  usage: "stock <sku> [words...]",
  description: "<sku>: levels, reservations, history; correct <sku> <+n|-n|=n>: after a count",
  options: {
    "--reason <text>": "why it is corrected; it stands in the history",
    "--limit <number>": `how much of the history (${DEFAULT_LIMIT})`,
    ...YES,
  },
  complete: (_, words) => (words.length === 0 ? ["correct"] : []),
  run: (broker, line) => {
    const [first = ""] = line.words;
    return first === "correct" ? correct(broker, line) : show(broker, first, line);
  },
});
