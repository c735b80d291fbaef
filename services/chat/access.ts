import type { Caller, Role } from "../../lib/actions";
import { conflict, forbidden, notFound, type ShopError } from "../../lib/errors";
import type { Kind } from "./chat.schema";
import { type Conversation, isOpen } from "./conversation";
import type { ConversationStore } from "./conversation.store";

/** Whoever looks at a conversation: its customer, or one of those who help. */
export interface Reader {
  id: string;
  agent: boolean;
}

/** Who helps: admins act as agents. */
export const HELPERS: Role[] = ["agent", "admin"];
export const isAgent = ({ roles }: Pick<Caller, "roles">): boolean => roles.some((role) => HELPERS.includes(role));

/** Whoever asked for help is the customer there, whatever else they may be elsewhere. */
export const readerOf = ({ customer }: Conversation, caller: Caller): Reader => ({
  id: caller.id,
  agent: isAgent(caller) && customer.id !== caller.id,
});

/** The last message that a reader may see: notes are for agents. */
export const visibleSeq = ({ lastSeq, publicSeq }: Conversation, reader: Pick<Reader, "agent">): number =>
  reader.agent ? lastSeq : publicSeq;

const noSuchConversation = () => notFound("CONVERSATION_NOT_FOUND", "There is no such conversation.");
export const conversationClosed = () =>
  conflict("CONVERSATION_CLOSED", "The conversation is closed. Open another one to go on.");
export const forAgentsOnly = () => forbidden("FORBIDDEN", "Your role may not do this.");

/** A conversation that the caller may see: customers their own, agents all. 404 for every other. */
export async function visibleConversation(
  conversations: ConversationStore,
  id: string,
  caller: Caller,
): Promise<{ conversation: Conversation; reader: Reader }> {
  const conversation = await conversations.get(id);
  if (!conversation || (conversation.customer.id !== caller.id && !isAgent(caller))) throw noSuchConversation();
  return { conversation, reader: readerOf(conversation, caller) };
}

/** Why a reader may not write in a conversation as it is; undefined where they may. Any agent may leave a note. */
export function writingRefused(conversation: Conversation, reader: Reader, kind: Kind): ShopError | undefined {
  if (!reader.agent && kind === "note") return forAgentsOnly();
  if (!isOpen(conversation)) return conversationClosed();
  if (reader.agent && kind === "message" && conversation.agent?.id !== reader.id)
    return conflict("NOT_ASSIGNED", "This conversation is not yours: claim it first, or leave a note.");
  return undefined;
}
