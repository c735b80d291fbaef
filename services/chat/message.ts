import { createHash } from "node:crypto";
import { documentTokens } from "../../lib/search";
import type { Document } from "../../lib/store/collection";
import { now } from "../../lib/time";
import type { Kind, MessageView } from "./chat.schema";
import type { Conversation } from "./conversation";

export interface Sender {
  id: string;
  name: string;
  role: "customer" | "agent" | "system";
}

/** Its id is its place in the conversation, so that no two messages can have the same one. */
export interface Message extends Document {
  conversationId: string;
  seq: number;
  /** Conversation, sender and the client's id of it: the same message is stored once. */
  key: string;
  clientMsgId: string;
  kind: Kind;
  sender: Sender;
  text: string;
  /** What a search finds it by. */
  tokens?: string[];
  createdAt: string;
  editedAt?: string;
  deletedAt?: string;
  /** Moves with each edit, so that of two each knows whether it is the last. */
  version: number;
  /** Edited or deleted: {@link messageId} at the conversation's last seq of that moment, or {@link changing}. */
  changed?: string;
}

export interface Draft {
  clientMsgId: string;
  text: string;
  kind: Kind;
  sender: Sender;
}

/** Above every seq. */
const BEYOND = 9_999_999_999;

/** Ids of one conversation sort by seq. */
export const messageId = (conversationId: string, seq: number): string =>
  `${conversationId}-${String(seq).padStart(10, "0")}`;

/** For a change that is not placed among the messages yet: every reader gets it until it is. */
export const changing = (conversationId: string): string => messageId(conversationId, BEYOND);

/** None of its parts has a dot. */
export const messageKey = (conversationId: string, { sender, clientMsgId }: Pick<Draft, "sender" | "clientMsgId">) =>
  `${conversationId}.${sender.id}.${clientMsgId}`;

/** Where a client that opened gave no id of its own: the same words twice in a conversation are one message. */
export const openingId = (text: string) => `open-${createHash("sha256").update(text).digest("base64url")}`;

/** For a message whose text goes: short texts could be guessed from what {@link openingId} leaves. */
export function withoutTextInId({ conversationId, sender, seq, clientMsgId }: Message) {
  if (!clientMsgId.startsWith("open-")) return {};
  const id = `open-${seq}`;
  return { clientMsgId: id, key: messageKey(conversationId, { sender, clientMsgId: id }) };
}

export const searchTokens = (text: string): string[] => documentTokens([], [text]);

export function nextMessage(conversation: Conversation, draft: Draft): Message {
  const seq = conversation.lastSeq + 1;
  const { clientMsgId, kind, sender, text } = draft;
  return {
    _id: messageId(conversation._id, seq),
    conversationId: conversation._id,
    seq,
    key: messageKey(conversation._id, draft),
    clientMsgId,
    kind,
    sender,
    text,
    ...(kind !== "system" && { tokens: searchTokens(text) }),
    createdAt: now(),
    version: 0,
  };
}

export function messageView(message: Message): MessageView {
  const { _id: id, conversationId, seq, clientMsgId, kind, sender, text, createdAt, editedAt, deletedAt } = message;
  return {
    id,
    conversationId,
    seq,
    clientMsgId,
    kind,
    sender,
    text,
    createdAt,
    ...(editedAt !== undefined && { editedAt }),
    ...(deletedAt !== undefined && { deletedAt }),
  };
}
