import type { CloudEvent } from "../../lib/events";
import type { Nothing, Static } from "../../lib/schema";
import type { ChatEventType, ChatFact } from "./chat.events";
import type * as schema from "./chat.schema";
import type * as operations from "./operations.schema";

export type Conversation = Static<typeof schema.ConversationView>;
export type DeskNews = Static<typeof schema.DeskNews>;
export type Message = Static<typeof schema.MessageView>;

declare module "../../lib/actions" {
  interface ActionMap {
    /** A client is there: its user is online for as long as one connection is renewed. Idempotent. */
    "chat.connect": Asked<typeof schema.ConnectParams, typeof Nothing>;
    /** It is gone. Idempotent. */
    "chat.disconnect": Asked<typeof schema.DisconnectParams, typeof Nothing>;
    /** All connections that a gateway has; one that is not renewed for 30 s counts as gone. */
    "chat.renew": Asked<typeof schema.RenewParams, typeof Nothing>;
    /** Of each user's open conversations (a customer's own, an agent's assigned ones) the seq of the last message they may see. */
    "chat.heads": Asked<typeof schema.HeadsParams, typeof schema.Heads>;
    /** A user helps no more, being locked or without the role: others get what they have. Idempotent; they help again once they connect or say how they are. */
    "chat.retire": Asked<typeof schema.OfUser, typeof Nothing>;
    /** A user is erased: their name, and as a customer all that they wrote, leave the conversations. Idempotent. */
    "chat.erase": Asked<typeof schema.OfUser, typeof Nothing>;
    /** What a user has not read of a conversation, as `unread` in the view. 0 for whoever is neither its customer nor the agent who has it. */
    "chat.unread": Asked<typeof schema.UnreadParams, typeof schema.Unread>;
    /** What the caller's client lacks of the conversations it names, as a client asks for it. */
    "chat.sync": Asked<typeof schema.SyncParams, typeof schema.Synced>;
    /** What agents hear of whoever it concerns: which conversations wait, and which became another since then. */
    "chat.desk": Asked<typeof schema.DeskParams, typeof schema.DeskNews>;
    /** Those who help: how they are, and how much they have to do. */
    "chat.agents": Asked<typeof schema.NoParams, typeof schema.Agents>;
    /** The conversations that wait, the first in line first. */
    "chat.queue": Asked<typeof operations.QueueParams, typeof operations.Queued>;
    /**
     * Gives a conversation, waiting or somebody else's, to an agent by the rules of a transfer by an admin: nobody is ever
     * over capacity. Idempotent. 404 AGENT_NOT_FOUND, CONVERSATION_NOT_FOUND; 409 AGENT_FULL, CONVERSATION_CLOSED.
     */
    "chat.assign": Asked<typeof operations.AssignParams, typeof operations.Assigned>;
    /** The caller's conversations, newest first, as a client asks for them. */
    "chat.list": Asked<typeof schema.ListParams, typeof schema.ConversationPage>;
  }
}

type ChatEvents = { [T in ChatEventType]: CloudEvent<T, ChatFact<T>> };

declare module "../../lib/events" {
  interface EventMap extends ChatEvents {}
}
