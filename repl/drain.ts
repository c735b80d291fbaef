import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { nodesOf } from "../mixins/cluster";
import { command } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";

async function nodeNamed(broker: ServiceBroker, id: string): Promise<string> {
  const nodes = (await nodesOf(broker)).filter(({ state }) => state !== "offline");
  if (nodes.some((node) => node.id === id)) return id;
  throw new Refusal(`There is no node ${id}: there are ${nodes.map((node) => node.id).join(", ")}.`);
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
    const nodeID = await nodeNamed(broker, line.words[0] ?? "");
    await confirmed(line, `Drain node ${nodeID}?`);
    const { state } = await callOf(broker)("$ops.drain", { operator: operator() }, { nodeID });
    return `Node ${nodeID} is ${state}. undrain ${nodeID} takes that back.`;
  },
});

export const undrainCommand = command({
  usage: "undrain <node>",
  description: "A drained node takes work again",
  complete,
  async run(broker, line) {
    const nodeID = await nodeNamed(broker, line.words[0] ?? "");
    const { state } = await callOf(broker)("$ops.undrain", { operator: operator() }, { nodeID });
    return `Node ${nodeID} is ${state}.`;
  },
});
