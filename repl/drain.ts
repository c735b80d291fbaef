import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { type NodeOfCluster, nodesOf } from "../mixins/cluster";
import { command } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";

/** It, and those beside it. */
async function nodeNamed(broker: ServiceBroker, id: string): Promise<{ node: NodeOfCluster; others: NodeOfCluster[] }> {
  const nodes = (await nodesOf(broker)).filter(({ state }) => state !== "offline");
  const node = nodes.find((one) => one.id === id);
  if (node) return { node, others: nodes.filter((one) => one !== node) };
  throw new Refusal(`There is no node ${id}: there are ${nodes.map((one) => one.id).join(", ")}.`);
}

/** What of a node no other one that takes work hosts. */
function onlyOn({ services }: NodeOfCluster, others: NodeOfCluster[]): string[] {
  const elsewhere = new Set(others.flatMap(({ state, services }) => (state === "running" ? services : [])));
  return services.filter((name) => !elsewhere.has(name));
}

const complete = async (broker: ServiceBroker, words: string[]): Promise<string[]> =>
  words.length === 0 ? (await nodesOf(broker)).flatMap(({ id, state }) => (state === "offline" ? [] : id)) : [];

/** Takes a node out of service without ending it. */
export const drainCommand = command({
  usage: "drain <node>",
  description: "No new work goes to a node: what it has begun is finished, clients are sent to the others",
  options: YES,
  complete,
  async run(broker, line) {
    const { node, others } = await nodeNamed(broker, line.words[0] ?? "");
    const { id: nodeID } = node;
    const last = onlyOn(node, others);
    const warning = last.length > 0 ? `No other node takes work for ${last.join(", ")}.\n` : "";
    await confirmed(line, `${warning}Drain node ${nodeID}?`);
    const { state } = await callOf(broker)("$ops.drain", { operator: operator() }, { nodeID });
    return `Node ${nodeID} is ${state}. undrain ${nodeID} takes that back.`;
  },
});

export const undrainCommand = command({
  usage: "undrain <node>",
  description: "A drained node takes work again",
  complete,
  async run(broker, line) {
    const { id: nodeID } = (await nodeNamed(broker, line.words[0] ?? "")).node;
    const { state } = await callOf(broker)("$ops.undrain", { operator: operator() }, { nodeID });
    return `Node ${nodeID} is ${state}.`;
  },
});
