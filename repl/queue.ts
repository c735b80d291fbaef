import { callOf } from "../lib/actions";
import { command, limitOf } from "./command";
import { table } from "./table";
import { ago, count } from "./text";

const DEFAULT_LIMIT = 50;

/** Who waits for an agent. */
export const queueCommand = command({
  usage: "queue",
  description: "The conversations that wait for an agent, the first in line first",
  options: { "--limit <number>": `how many to list (${DEFAULT_LIMIT})` },
  async run(broker, line) {
    const { items, length } = await callOf(broker)("chat.queue", { limit: limitOf(line, DEFAULT_LIMIT) });
    if (items.length === 0) return "Nobody waits.";
    const rows = table(items, [
      { name: "#", cell: (_, index) => `${index + 1}`, right: true },
      { name: "conversation", cell: ({ id }) => id },
      { name: "customer", cell: ({ customer }) => customer.name || customer.id, gives: true },
      { name: "opened", cell: ({ createdAt }) => ago(createdAt) },
      { name: "subject", cell: ({ subject, again }) => `${again ? "(again) " : ""}${subject ?? ""}`, gives: true },
    ]);
    return `${rows}\n\n${count(length, "conversation")} waiting.\nNext: assign <conversation> <agent>`;
  },
});
