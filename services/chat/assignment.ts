import { now } from "../../lib/time";
import type { Person } from "./chat.schema";
import { type Conversation, placeInQueue, type Transition, transition } from "./conversation";

/** An agent with the place that they hold for the conversation since `at`. */
export interface Holder {
  agent: Person;
  at: string;
}

/** What a conversation's agent leaves behind when it is no longer theirs, in the write that takes it from them. */
function releasing({ agent, assignedAt }: Conversation, leaseUntil: string) {
  if (!agent || assignedAt === undefined) return { set: {}, more: {} };
  return {
    set: { work: "release" as const, due: leaseUntil },
    more: { $set: { [`releases.${agent.id}`]: assignedAt } },
  };
}

/** As it was read: in the same turn of the queue, or with the same agent since the same time. */
const unchanged = (conversation: Conversation) => ({
  status: conversation.status,
  place: conversation.place ?? null,
  assignedAt: conversation.assignedAt ?? null,
});

const toAgent = ({ agent, at }: Holder) => ({
  status: "assigned" as const,
  agent,
  assignedAt: at,
  answeredAt: undefined,
  place: undefined,
  passedBy: undefined,
  passedUntil: undefined,
});

/** From the queue to an agent who holds a place for it. */
export function assigned(conversation: Conversation, holder: Holder): Transition {
  const isDone = conversation.releases === undefined;
  return transition(conversation, {
    from: { ...unchanged(conversation), status: "queued", fence: conversation.fence ?? null },
    set: {
      ...toAgent(holder),
      firstAssignedAt: conversation.firstAssignedAt ?? holder.at,
      ...(isDone && { work: undefined, due: undefined }),
    },
    more: { $addToSet: { agents: holder.agent.id } },
    event: "chat.conversation.assigned",
  });
}

/** From its agent to another who holds a place for it. */
export function transferred(conversation: Conversation, holder: Holder, leaseUntil: string): Transition {
  const { set, more } = releasing(conversation, leaseUntil);
  return transition(conversation, {
    from: { ...unchanged(conversation), status: "assigned", fence: conversation.fence ?? null },
    set: { ...toAgent(holder), ...set },
    more: { ...more, $addToSet: { agents: holder.agent.id } },
    event: "chat.conversation.assigned",
  });
}

/** Why it goes back to the queue: its agent put it there and is left out for a while, or is gone and had not answered. */
export type Requeueing = { passedUntil: string } | "gone";

/** Back to the head of the queue. */
export function requeued(conversation: Conversation, why: Requeueing, leaseUntil: string): Transition {
  const { set, more } = releasing(conversation, leaseUntil);
  return transition(conversation, {
    from: {
      ...unchanged(conversation),
      status: "assigned",
      ...(why === "gone" && { answeredAt: { $exists: false } }),
    },
    set: {
      status: "queued",
      agent: null,
      assignedAt: undefined,
      answeredAt: undefined,
      place: placeInQueue(true),
      passedBy: why === "gone" ? undefined : conversation.agent?.id,
      passedUntil: why === "gone" ? undefined : why.passedUntil,
      ...set,
    },
    more,
  });
}

/** It is over, whoever has it. */
export function closed(conversation: Conversation, leaseUntil: string): Transition {
  const { set, more } = releasing(conversation, leaseUntil);
  const isDone = !conversation.agent && conversation.releases === undefined;
  return transition(conversation, {
    from: { ...unchanged(conversation), status: { $in: ["queued", "assigned"] } },
    set: {
      status: "closed",
      closedAt: now(),
      open: undefined,
      place: undefined,
      ...(isDone && { work: undefined, due: undefined }),
      ...set,
    },
    more,
    event: "chat.conversation.closed",
  });
}
