import type { Received } from "../../../lib/topics/topics";
import type { MessageView } from "../../../services/chat/chat.schema";
import type { Convergence } from "./ledger";

/** A conversation as the store has it. */
export interface StoredConversation {
  _id: string;
  customer: { id: string; name: string };
  agent: { id: string; name: string } | null;
  status: string;
  lastSeq: number;
  publicSeq: number;
  agents: string[];
  outbox?: unknown[];
  place?: string;
}

export interface Talk {
  conversation: StoredConversation;
  /** The history over REST, as its customer and as an agent. */
  shown: readonly MessageView[];
  all: readonly MessageView[];
}

/** What a client has of a conversation at the end. */
export interface Kept {
  who: string;
  asAgent: boolean;
  /** It had it on its screen until the end, so that nothing may be missing. */
  toTheEnd: boolean;
  conversationId: string;
  messages: readonly MessageView[];
}

/** What was seen every half second while the run went on. */
export interface Watched {
  looks: number;
  violations: string[];
  /** The longest time, in milliseconds, in which somebody waited while somebody had a place. */
  longestStuckMs: number;
  mostWaiting: number;
}

/** All that the checker looks at, taken once everything has come to rest. */
export interface ChatEvidence {
  talks: readonly Talk[];
  acknowledged: readonly MessageView[];
  attempted: ReadonlySet<string>;
  problems: readonly string[];
  convergences: readonly Convergence[];
  kept: readonly Kept[];
  watched: Watched;
  /** The topic of the chat's facts, and the dead letters of all topics. */
  messages: readonly Received[];
  deadLetters: readonly Received[];
  /** Places still taken by agent, events still waiting by conversation, at the end. */
  holding: ReadonlyMap<string, readonly string[]>;
  outbox: readonly string[];
  capacity: number;
  deaths: readonly string[];
}
