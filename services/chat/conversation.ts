import { newId } from "../../lib/ids";
import { bornWithEvent, type OutboxDocument, withEvent } from "../../lib/outbox";
import { currentTrace } from "../../lib/request-scope";
import type { Change, Filter } from "../../lib/store/collection";
import { now } from "../../lib/time";
import type { Due } from "../../mixins/sweeper.mixin";
import { type ChatEventType, chatEvents } from "./chat.events";
import type { ConversationStatus, Person } from "./chat.schema";
import type { Message } from "./message";

/** What is left to be done with a conversation; at `due` a sweeper does it. */
export type Work =
  /** Nobody has it: an agent with a place is to be found. */
  | "assign"
  /** It is over, or another's: the place that its agent held for it is to be free again. */
  | "release";

export interface Conversation extends Due, OutboxDocument {
  customer: Person;
  agent: Person | null;
  orderId?: string;
  subject?: string;
  status: ConversationStatus;
  /** Its customer's id while it is open: each has one open conversation at most. */
  open?: string;
  /** The seq of the last message; a message above it is not there yet. */
  lastSeq: number;
  /** The seq of the last message that its customer may see. */
  publicSeq: number;
  labels: string[];
  /** How far each has read. */
  reads: Record<string, number>;
  /** Its place in the queue while it waits, the smaller the sooner. */
  place?: string;
  work?: Work;
  /** Agents whose place for it is to be given back, with the time since when they hold it. */
  releases?: Record<string, string>;
  /** Moved on when an agent's place for it is taken away: whoever was about to assign it to them comes too late. */
  fence?: string;
  /** Who put it back into the queue: until `passedUntil` it goes to somebody else, unless they claim it. */
  passedBy?: string;
  passedUntil?: string;
  /** Agents who have or had it. */
  agents: string[];
  createdAt: string;
  /** Since when its agent holds a place for it. */
  assignedAt?: string;
  /** When it first got an agent. */
  firstAssignedAt?: string;
  /** Its agent's first message since it was assigned; absent while they have not answered. */
  answeredAt?: string;
  /** The first message of any agent. */
  firstResponseAt?: string;
  closedAt?: string;
  /** When it was last another one than before; its messages don't count. */
  changedAt?: string;
  rating?: { score: number; comment?: string };
}

export const isOpen = ({ status }: Conversation): boolean => status !== "closed";

/** Last in the queue, or where it had its turn already before all who have not. */
export const placeInQueue = (atHead: boolean): string => `${atHead ? 0 : 1}-${newId()}`;

/** One conditional write: it happens only while the conversation is as `from` says. */
export interface Transition {
  from: Filter;
  change: Change;
}

export interface Step {
  /** What must hold, beside the id. */
  from: Filter;
  /** Fields as they are afterwards, for the view in the event too; undefined takes one away. */
  set?: Partial<Omit<Conversation, "_id">>;
  /** Dotted paths. */
  more?: Change;
  event?: Exclude<ChatEventType, "chat.message.sent">;
}

/** Every change of a conversation is made here or by {@link messageCommitted}, so that its event goes with the write. */
export function transition(conversation: Conversation, { from, set = {}, more = {}, event }: Step): Transition {
  const gone = Object.entries(set).flatMap(([field, value]) => (value === undefined ? [[field, true] as const] : []));
  const change: Change = {
    ...more,
    $set: { ...set, ...more.$set, changedAt: now(), ...currentTrace() },
    $unset: { ...Object.fromEntries(gone), ...more.$unset },
  };
  const entry = event && chatEvents.entry(event, factOf({ ...conversation, ...set }));
  return { from: { _id: conversation._id, ...from }, change: entry ? withEvent(change, entry) : change };
}

/**
 * The message at the next seq becomes a part of the conversation, while that is open and with whoever it was with: its
 * agent is named in the event.
 */
export function messageCommitted(conversation: Conversation, message: Message): Transition {
  const { _id: id, seq, kind, sender, text, createdAt } = message;
  const { _id: conversationId, customer, agent } = conversation;
  const isAnswer = kind === "message" && sender.role === "agent";
  const set: Partial<Conversation> = {
    lastSeq: seq,
    ...(kind !== "note" && { publicSeq: seq }),
    ...(isAnswer && sender.id === agent?.id && !conversation.answeredAt && { answeredAt: createdAt }),
    ...(isAnswer && !conversation.firstResponseAt && { firstResponseAt: createdAt }),
  };
  const entry = chatEvents.entry("chat.message.sent", {
    conversationId,
    customerId: customer.id,
    agentId: agent?.id ?? null,
    message: { id, seq, kind, sender, text, createdAt },
  });
  return {
    from: { _id: conversationId, lastSeq: seq - 1, status: { $ne: "closed" }, "agent.id": agent?.id ?? null },
    change: withEvent({ $set: set }, entry),
  };
}

function factOf({ _id: id, customer, agent, orderId, subject, status, createdAt, closedAt }: Conversation) {
  const conversation = {
    id,
    customer,
    agent,
    ...(orderId !== undefined && { orderId }),
    ...(subject !== undefined && { subject }),
    status,
    createdAt,
    ...(closedAt !== undefined && { closedAt }),
  };
  return { conversationId: id, conversation };
}

export const newConversation = (given: { customer: Person; orderId?: string; subject?: string }): Conversation => {
  const createdAt = now();
  const conversation: Conversation = {
    _id: newId(),
    customer: given.customer,
    agent: null,
    ...(given.orderId !== undefined && { orderId: given.orderId }),
    ...(given.subject !== undefined && { subject: given.subject }),
    status: "queued",
    open: given.customer.id,
    lastSeq: 0,
    publicSeq: 0,
    labels: [],
    reads: {},
    place: placeInQueue(false),
    work: "assign",
    due: createdAt,
    agents: [],
    createdAt,
    changedAt: createdAt,
    ...currentTrace(),
  };
  const entry = chatEvents.entry("chat.conversation.opened", factOf(conversation));
  return { ...conversation, ...bornWithEvent(entry) };
};
