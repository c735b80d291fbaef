import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import type { Difference, DifferenceKind } from "../services/payment/operations.schema";
import { command, type Line, optionOf } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";
import { sinceOf } from "./since";
import { type Column, table } from "./table";
import { ago, count, grouped } from "./text";

const DEFAULT_SINCE = "24h";

const MEANING: Record<DifferenceKind, string> = {
  "no-answer": "the provider gives no answer",
  "outcome-unknown": "how it ended is not known here",
  "paid-there-only": "paid there, not here",
  "paid-here-only": "paid here, not there",
  "refunded-there": "more given back there",
  "refunded-here": "more given back here",
};
/** What the payment's own process would find out and settle. */
const SETTLED: ReadonlySet<DifferenceKind> = new Set(["outcome-unknown", "paid-there-only", "refunded-there"]);

const COLUMNS: Column<Difference>[] = [
  { name: "order", cell: ({ orderId }) => orderId },
  { name: "made", cell: ({ createdAt }) => ago(createdAt) },
  {
    name: "difference",
    cell: ({ kind, settled }) => (settled ? "settled" : MEANING[kind]),
    tone: ({ settled, kind }) => (settled ? "good" : SETTLED.has(kind) ? "doubtful" : "bad"),
  },
  { name: "here", cell: ({ here }) => here, gives: true },
  { name: "there", cell: ({ there }) => there, gives: true },
];

async function compare(broker: ServiceBroker, since: string, fix: boolean) {
  const items: Difference[] = [];
  let checked = 0;
  let after: string | undefined;
  do {
    const page = await callOf(broker)("payment.reconcile", {
      ...{ since, fix, limit: 20, operator: operator() },
      ...(after !== undefined && { after }),
    });
    items.push(...page.items);
    checked += page.checked;
    after = page.next ?? undefined;
  } while (after !== undefined);
  return { items, checked };
}

const said = ({ items, checked }: { items: Difference[]; checked: number }) =>
  items.length === 0
    ? `${count(checked, "payment")} compared with the provider: no difference.`
    : `${table(items, COLUMNS)}\n\n${count(checked, "payment")} compared, ${count(items.length, "difference")}.`;

async function reconcile(broker: ServiceBroker, line: Line): Promise<string> {
  const since = sinceOf(optionOf(line, "since") ?? DEFAULT_SINCE);
  const found = await compare(broker, since, false);
  const open = found.items.filter(({ kind }) => SETTLED.has(kind)).length;
  const rest = found.items.length - open;
  const byHand = rest > 0 ? `\n${grouped(rest)} to be looked into at the provider; nothing here settles these.` : "";
  if (open === 0) return said(found) + byHand;
  if (!line.options.fix)
    return `${said(found)}${byHand}\nNext: payments reconcile --fix settles ${count(open, "of them", "of them")}`;
  process.stdout.write(`${said(found)}\n`);
  await confirmed(line, `Settle ${count(open, "difference")} as the provider has it?`);
  return said(await compare(broker, since, true)) + byHand;
}

/** Payments here against the provider's own records. */
export const paymentsCommand = command({
  usage: "payments <verb>",
  description: "reconcile: compare payments with the provider's own records, and with --fix settle what differs",
  options: {
    "--since <time>": `of payments made since then: 30m, 24h, 7d or a time (${DEFAULT_SINCE})`,
    "--fix": "settle what the payment's process would settle by itself",
    ...YES,
  },
  complete: (_, words) => (words.length === 0 ? ["reconcile"] : []),
  async run(broker, line) {
    if (line.words[0] !== "reconcile") throw new Refusal(`"${line.words[0]}" is not known: use reconcile.`);
    return reconcile(broker, line);
  },
});
