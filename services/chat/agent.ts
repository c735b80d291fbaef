import type { Static } from "../../lib/schema";
import { now } from "../../lib/time";
import type { Due } from "../../mixins/sweeper.mixin";
import type { AgentStatus, AgentView, Person } from "./chat.schema";
import type { Conversation } from "./conversation";

export interface Agent extends Due {
  name: string;
  /** False for somebody who was an agent once: they are given nothing and shown to nobody. */
  helps: boolean;
  /** What they chose. */
  status: AgentStatus;
  /** Whether presence knows a connection of theirs. */
  connected: boolean;
  capacity: number;
  /** They chose it; without this it follows the configuration. */
  ownCapacity?: true;
  /** Places left: `capacity` less what they hold, below zero after a capacity was lowered. */
  free: number;
  /** Their places that are taken: since when, by conversation. */
  holding: Record<string, string>;
  lastAssignedAt?: string;
  /** Since when there is no connection. */
  goneSince?: string;
  /** Counts what a sweeper has to look at: changes of `holding`, and being gone. */
  version: number;
}

export const newAgent = ({ id, name }: Person, capacity: number, at: string): Agent => ({
  _id: id,
  name,
  helps: true,
  status: "offline",
  connected: false,
  capacity,
  free: capacity,
  holding: {},
  goneSince: at,
  version: 0,
});

export const personOf = ({ _id: id, name }: Agent): Person => ({ id, name });

export const agentView = (agent: Agent): Static<typeof AgentView> => ({
  id: agent._id,
  name: agent.name,
  status: agent.status,
  online: agent.connected,
  capacity: agent.capacity,
  load: agent.capacity - agent.free,
});

/** May be given conversations without asking for them. */
export const isAvailable = ({ helps, status, connected, free }: Agent): boolean =>
  helps && status === "online" && connected && free >= 1;

const load = ({ capacity, free }: Agent): number => (capacity - free) / capacity;

/** Who is asked first: the lowest load for their capacity, then the longest without a new conversation. */
export const byTurn = (a: Agent, b: Agent): number =>
  load(a) - load(b) || (a.lastAssignedAt ?? "").localeCompare(b.lastAssignedAt ?? "") || a._id.localeCompare(b._id);

type Waiting = Pick<Conversation, "_id" | "passedBy" | "passedUntil" | "customer">;

const passedOver = ({ passedBy, passedUntil = "" }: Waiting, { _id }: Agent): boolean =>
  passedBy === _id && passedUntil > now();

/** Whether the queue may give them this conversation; one that they just put back, or opened, is for somebody else. */
export const mayBeGiven = (agent: Agent, conversation: Waiting): boolean =>
  isAvailable(agent) &&
  !passedOver(conversation, agent) &&
  conversation.customer.id !== agent._id &&
  agent.holding[conversation._id] === undefined;

/** Who gets it; undefined where it has to wait. */
export const chooseAgent = (agents: Agent[], conversation: Waiting): Agent | undefined =>
  agents.filter((agent) => mayBeGiven(agent, conversation)).sort(byTurn)[0];
