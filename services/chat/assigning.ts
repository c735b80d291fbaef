import { crashPoint } from "../../lib/crash";
import { conflict, notFound } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { after, isPast, now } from "../../lib/time";
import { conversationClosed, forAgentsOnly } from "./access";
import { type Agent, personOf } from "./agent";
import type { AgentStore } from "./agent.store";
import { assigned, closed, requeued, transferred } from "./assignment";
import type { Person } from "./chat.schema";
import type { Conversation, Transition } from "./conversation";
import type { ConversationStore } from "./conversation.store";

/** Looks at a conversation that others keep changing, before it is somebody else's turn to say so. */
const ATTEMPTS = 20;

export interface AssigningParts {
  agents: AgentStore;
  conversations: ConversationStore;
  leaseMs: number;
  /** Milliseconds without a connection after which an agent is gone, and for which the queue passes over who put back. */
  graceMs: number;
  /** A conversation changed hands: for whoever shows it. */
  changed: (conversation: Conversation) => void;
  /** The queue changed from `place` on. */
  queueChanged: (place: string) => void;
  /** Somebody has a place, or waits for one. */
  kick: () => void;
}

const full = () => conflict("AGENT_FULL", "This agent has no place left.");
const noSuchAgent = () => notFound("AGENT_NOT_FOUND", "There is no such agent.");
const takenBy = (agent: Person) =>
  conflict("ALREADY_ASSIGNED", `${agent.name} has this conversation.`, { extra: { agent } });
export const notAssigned = () => conflict("NOT_ASSIGNED", "This conversation is not assigned to you.");

/**
 * Gives conversations to agents and takes them away. A place is taken first, then the conversation, by one conditional
 * write each; whoever withdraws a place in between moves the conversation's fence, so that the second write fails.
 */
export function assigning(parts: AssigningParts) {
  const { agents, conversations, leaseMs, graceMs, changed, queueChanged, kick } = parts;

  /** The conversation afterwards; null where it is no longer as it was, and the place is free again. */
  async function occupy(agent: Person, conversation: Conversation, at: string): Promise<Conversation | null> {
    crashPoint("chat.place-taken");
    const holder = { agent, at };
    const transition = conversation.agent
      ? transferred(conversation, holder, after(leaseMs))
      : assigned(conversation, holder);
    const mine = await conversations.apply(transition);
    if (!mine) {
      await giveBack(agent.id, conversation._id, at);
      return null;
    }
    crashPoint("chat.assigned");
    tell(conversation, mine);
    if (mine.work === "release") await release(mine);
    return mine;
  }

  function tell(before: Conversation, now: Conversation): void {
    changed(now);
    const place = before.place ?? now.place;
    if (place !== undefined) queueChanged(place);
  }

  async function giveBack(agentId: string, conversationId: string, at: string): Promise<void> {
    if (await agents.give(agentId, conversationId, at)) kick();
  }

  /** Gives back the places of those who had it. Idempotent. */
  async function release(conversation: Conversation): Promise<void> {
    const { _id, releases = {}, due, place, assignedAt, status } = conversation;
    for (const [agentId, at] of Object.entries(releases)) await giveBack(agentId, _id, at);
    // Where it changed hands meanwhile there is more to give back: its `due` tells when.
    await conversations.collection.update(
      { _id, status, due: due ?? null, place: place ?? null, assignedAt: assignedAt ?? null },
      { $unset: { releases: true, work: true, due: true } },
      { fields: [] },
    );
  }

  /** Frees a place that is for nothing: of a node that died or was too slow to assign the conversation. */
  async function withdraw(agentId: string, conversationId: string, at: string): Promise<boolean> {
    const filter = { _id: conversationId, "agent.id": { $ne: agentId } };
    const fenced = await conversations.collection.update(filter, { $set: { fence: newId() } }, { fields: [] });
    if (!fenced && (await conversations.get(conversationId))) return false;
    await giveBack(agentId, conversationId, at);
    return true;
  }

  /** A place for somebody who asked for this conversation; null where a place of theirs had to be cleared up first. */
  async function placeFor(agentId: string, conversation: Conversation): Promise<{ agent: Person; at: string } | null> {
    const at = now();
    const taken = await agents.take(agentId, conversation._id, at, false);
    if (taken) return { agent: personOf(taken), at };
    const agent = await agents.get(agentId);
    if (!agent?.helps) throw noSuchAgent();
    const held = agent.holding[conversation._id];
    if (held !== undefined) await withdraw(agentId, conversation._id, held);
    else if (agent.free < 1) throw full();
    return null;
  }

  /** Tries `attempt` on the conversation as it is now until it has an answer. */
  async function settle(
    id: string,
    attempt: (conversation: Conversation) => Promise<Conversation | null>,
  ): Promise<Conversation> {
    for (let tries = 0; tries < ATTEMPTS; tries++) {
      const conversation = await conversations.get(id);
      if (!conversation) throw notFound("CONVERSATION_NOT_FOUND", "There is no such conversation.");
      const answer = await attempt(conversation);
      if (answer) return answer;
    }
    throw new Error(`conversation ${id}: others were faster ${ATTEMPTS} times`);
  }

  async function occupyFor(agentId: string, conversation: Conversation): Promise<Conversation | null> {
    // Nobody helps themselves.
    if (conversation.customer.id === agentId) throw forAgentsOnly();
    const holder = await placeFor(agentId, conversation);
    return holder && occupy(holder.agent, conversation, holder.at);
  }

  /** As long as somebody who is gone has to come back: then their place is as good as anyone else's. */
  const passed = () => ({ passedUntil: after(graceMs) });

  async function leave(before: Conversation, transition: Transition): Promise<Conversation | null> {
    const left = await conversations.apply(transition);
    if (!left) return null;
    if (left.status === "closed") crashPoint("chat.closed");
    tell(before, left);
    await release(left);
    kick();
    return left;
  }

  return {
    /** Gives it to an agent whose turn it is. The agent afterwards is null where they cannot take it now. */
    async give(agent: Agent, conversation: Conversation) {
      const at = now();
      const taken = await agents.take(agent._id, conversation._id, at, true);
      if (!taken) return { agent: null, conversation: null };
      const given = await occupy(personOf(taken), conversation, at);
      return { agent: given ? taken : await agents.get(agent._id), conversation: given };
    },

    withdraw,

    claim: (id: string, agentId: string): Promise<Conversation> =>
      settle(id, async (conversation) => {
        if (conversation.status === "closed") throw conversationClosed();
        if (conversation.agent?.id === agentId) return conversation;
        if (conversation.agent) throw takenBy(conversation.agent);
        return occupyFor(agentId, conversation);
      }),

    /** To another agent, or to the head of the queue. `by` is whoever must have it; null for an admin. */
    transfer: (id: string, by: string | null, target: { agentId: string } | "queue"): Promise<Conversation> =>
      settle(id, async (conversation) => {
        if (conversation.status === "closed") throw conversationClosed();
        if (by !== null && conversation.agent?.id !== by) throw notAssigned();
        if (target !== "queue" && target.agentId === conversation.customer.id) throw noSuchAgent();
        if (target !== "queue")
          return conversation.agent?.id === target.agentId ? conversation : occupyFor(target.agentId, conversation);
        if (!conversation.agent) return conversation;
        return leave(conversation, requeued(conversation, passed(), after(leaseMs)));
      }),

    /** Closing twice is closing once. `check` throws where the caller may not. */
    close: (id: string, check: (conversation: Conversation) => void): Promise<Conversation> =>
      settle(id, async (conversation) => {
        check(conversation);
        if (conversation.status === "closed") return conversation;
        return leave(conversation, closed(conversation, after(leaseMs)));
      }),

    /** Puts back into the queue what somebody has who helps no more, and gets no place any more. Idempotent. */
    async dismiss(agent: Agent): Promise<void> {
      for (const [id, at] of Object.entries(agent.holding)) {
        // Somebody may be about to assign it.
        if (await withdraw(agent._id, id, at)) continue;
        const conversation = await conversations.get(id);
        if (conversation?.agent?.id === agent._id && conversation.status === "assigned")
          await leave(conversation, requeued(conversation, passed(), after(leaseMs)));
      }
    },

    /** What is left of a conversation, for its sweeper; one that waits is found by its place from now on. */
    async advance(conversation: Conversation): Promise<void> {
      await release(conversation);
      if (conversation.status === "queued") kick();
    },

    /** For the agents' sweeper: frees places that are for nothing, takes what somebody who is gone has not answered. */
    async lookAfter(agent: Agent): Promise<void> {
      let next: string | undefined;
      const later = (at: string) => {
        if (next === undefined || at < next) next = at;
      };
      for (const [conversationId, at] of Object.entries(agent.holding)) {
        const doubtful = after(leaseMs, at);
        if (!isPast(doubtful)) later(doubtful);
        else if (await withdraw(agent._id, conversationId, at)) continue;
        if (agent.goneSince === undefined) continue;
        const gone = [agent.goneSince, at].map((since) => after(graceMs, since)).sort()[1] ?? at;
        if (!isPast(gone)) later(gone);
        else await takeUnanswered(agent, conversationId, at);
      }
      await agents.lookedAt(agent, next);
    },
  };

  async function takeUnanswered(agent: Agent, conversationId: string, at: string): Promise<void> {
    const conversation = await conversations.get(conversationId);
    if (conversation?.agent?.id !== agent._id || conversation.assignedAt !== at) return;
    if (conversation.answeredAt === undefined)
      await leave(conversation, requeued(conversation, "gone", after(leaseMs)));
  }
}

export type Assigning = ReturnType<typeof assigning>;
