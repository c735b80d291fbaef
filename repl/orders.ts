import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import type { StuckOrder } from "../services/order/operations.schema";
import { command, type Line, limitOf } from "./command";
import { Refusal } from "./failure";
import { operator } from "./operator";
import { type Column, table } from "./table";
import { ago, count, when } from "./text";

const DEFAULT_LIMIT = 50;

const COLUMNS: Column<StuckOrder>[] = [
  { name: "order", cell: ({ number }) => number },
  { name: "status", cell: ({ status }) => status },
  { name: "next", cell: ({ work }) => work ?? "-" },
  { name: "due", cell: ({ due }) => ago(due) },
  { name: "failed", cell: ({ failed }) => (failed ? `${failed.times} times` : "-"), right: true },
  { name: "why", cell: ({ failed }) => failed?.error ?? "nobody took it up", gives: true },
];

async function stuck(broker: ServiceBroker, line: Line): Promise<string> {
  const { items, more } = await callOf(broker)("order.stuck", { limit: limitOf(line, DEFAULT_LIMIT) });
  if (items.length === 0) return "No order is stuck.";
  const said = `${count(items.length, "order")}${more ? " and more, see --limit" : ""}.`;
  return `${table(items, COLUMNS)}\n\n${said}\nNext: order <number> tells its story, orders retry <number> has it taken up now`;
}

async function retry(broker: ServiceBroker, order: string | undefined): Promise<string> {
  if (!order) throw new Refusal("Say which order, by its id or its number: orders retry <order>");
  const { number, work, due } = await callOf(broker)("order.retry", { order, operator: operator() });
  return `Order ${number} is taken up now (next: ${work}, due ${when(due)}).\nNext: order ${number} tells how it goes on`;
}

/** Orders whose process does not go on. */
export const ordersCommand = command({
  usage: "orders <verb> [order]",
  description: "stuck: orders whose process does not go on; retry <order>: have it taken up now",
  options: { "--limit <number>": `how many to list (${DEFAULT_LIMIT})` },
  async complete(broker, words) {
    if (words.length === 0) return ["stuck", "retry"];
    if (words[0] !== "retry") return [];
    const { items } = await callOf(broker)("order.stuck", { limit: 100 });
    return items.map(({ number }) => number);
  },
  async run(broker, line) {
    const [verb, order] = line.words;
    if (verb === "stuck") return stuck(broker, line);
    if (verb === "retry") return retry(broker, order);
    throw new Refusal(`"${verb}" is not known: use stuck or retry.`);
  },
});
