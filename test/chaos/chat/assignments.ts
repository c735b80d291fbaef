import { firstOf, holderIn, isMessage, type SeenFact } from "./facts";

interface Change {
  time: string;
  agent: string;
  by: 1 | -1;
}

/**
 * What is wrong with who had which conversation when, as the topic tells. A place is taken before the assignment is told,
 * and given back after the closing or the next assignment is: in between somebody has it for certain.
 */
export function checkHolders(byConversation: ReadonlyMap<string, readonly SeenFact[]>, capacity: number) {
  const strangers: string[] = [];
  const changes: Change[] = [];
  for (const [id, seen] of byConversation) {
    let holder: string | undefined;
    const before = new Set<string>();
    const change = (time: string, next: string | undefined) => {
      if (holder !== undefined) {
        changes.push({ time, agent: holder, by: -1 });
        before.add(holder);
      }
      if (next !== undefined) changes.push({ time, agent: next, by: 1 });
      holder = next;
    };
    for (const fact of firstOf(seen)) {
      if (fact.type === "chat.conversation.assigned") change(fact.time, holderIn(fact));
      else if (fact.type === "chat.conversation.closed") change(fact.time, undefined);
      else if (isMessage(fact)) {
        const { message, agentId } = fact.data;
        // Nobody has it where it went back to the queue, which nothing tells of.
        if (agentId !== null && agentId !== holder)
          strangers.push(`${id}: message ${message.seq} names ${agentId}, ${holder} has it`);
        const { role, id: sender } = message.sender;
        if (role === "agent" && message.kind === "message" && sender !== holder && !before.has(sender))
          strangers.push(`${id}: message ${message.seq} is from ${sender}, who never had it`);
      }
    }
  }
  return {
    strangers,
    overloaded: overloadedBy(changes, capacity),
    assignments: changes.filter(({ by }) => by === 1).length,
  };
}

function overloadedBy(changes: Change[], capacity: number): string[] {
  const loads = new Map<string, number>();
  const found: string[] = [];
  // Of the same millisecond what goes is counted first: its order among them is not known.
  for (const { time, agent, by } of changes.sort((a, b) => a.time.localeCompare(b.time) || a.by - b.by)) {
    const load = (loads.get(agent) ?? 0) + by;
    loads.set(agent, load);
    if (load > capacity) found.push(`${agent} had ${load} at ${time}`);
  }
  return found;
}
