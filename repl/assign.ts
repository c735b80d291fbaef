import type { ServiceBroker } from "moleculer";
import { callOf } from "../lib/actions";
import { command } from "./command";
import { confirmed, YES } from "./confirm";
import { Refusal } from "./failure";
import { operator } from "./operator";

/** By id, by a name that only one has, or by email. */
async function agentNamed(broker: ServiceBroker, named: string): Promise<{ id: string; name: string }> {
  const call = callOf(broker);
  const { items } = await call("chat.agents", {});
  const found = items.filter(({ id, name }) => id === named || name === named);
  if (found.length > 1)
    throw new Refusal(`${found.length} agents are called ${named}: say which by id, agents lists them.`);
  if (found[0]) return found[0];
  const [user] = named.includes("@") ? (await call("user.list", { email: named, limit: 1 })).items : [];
  const agent = items.find(({ id }) => id === user?.id);
  if (!agent) throw new Refusal(`No agent is called ${named}: agents lists those who help.`);
  return agent;
}

/** Gives a conversation to an agent, whatever the queue would do. */
export const assignCommand = command({
  usage: "assign <conversation> <agent>",
  description: "Give a conversation, waiting or another agent's, to an agent (id, name or email) who has a place",
  options: YES,
  async complete(broker, words) {
    const call = callOf(broker);
    if (words.length === 0) return (await call("chat.queue", { limit: 100 })).items.map(({ id }) => id);
    return words.length === 1 ? (await call("chat.agents", {})).items.map(({ id }) => id) : [];
  },
  async run(broker, line) {
    const [conversationId = "", named = ""] = line.words;
    const agent = await agentNamed(broker, named);
    await confirmed(line, `Give conversation ${conversationId} to ${agent.name}?`);
    const assigned = await callOf(broker)("chat.assign", { conversationId, agentId: agent.id, operator: operator() });
    return `${assigned.agent?.name ?? agent.name} has conversation ${assigned.id} now.`;
  },
});
