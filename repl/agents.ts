import { callOf } from "../lib/actions";
import { command } from "./command";
import { table } from "./table";
import { count } from "./text";

/** Who helps. */
export const agentsCommand = command({
  usage: "agents",
  description: "Who helps: how they are, whether they are connected, and how much they have to do",
  async run(broker) {
    const { items } = await callOf(broker)("chat.agents", {});
    if (items.length === 0) return "Nobody has ever said that they help.";
    const sum = (pick: (agent: (typeof items)[number]) => number) => items.reduce((all, agent) => all + pick(agent), 0);
    const takes = items.filter(({ status, online }) => status === "online" && online);
    const free = takes.reduce((all, { capacity, load }) => all + Math.max(0, capacity - load), 0);
    const rows = table(items, [
      { name: "agent", cell: ({ id }) => id },
      { name: "name", cell: ({ name }) => name, gives: true },
      {
        name: "status",
        cell: ({ status }) => status,
        tone: ({ status }) => (status === "online" ? "good" : "faint"),
      },
      { name: "connected", cell: ({ online }) => (online ? "yes" : "no") },
      { name: "load", cell: ({ load }) => `${load}`, right: true },
      { name: "capacity", cell: ({ capacity }) => `${capacity}`, right: true },
    ]);
    return `${rows}\n\n${count(items.length, "agent")}, ${count(
      sum(({ load }) => load),
      "conversation",
    )}, ${count(free, "free place")}.`;
  },
});
