import { hasType } from "../../lib/errors";
import type { ChatSettings } from "./chat.config";
import type { Conversation } from "./conversation";
import { closedText } from "./hours";
import type { Messaging } from "./messaging";

interface Parts {
  settings: ChatSettings;
  say: Messaging["say"];
}

/** Tells a customer who waits outside of the hours when somebody will be there, once a conversation. */
export const welcoming =
  ({ settings, say }: Parts) =>
  async (conversation: Conversation): Promise<Conversation> => {
    const text = conversation.status === "queued" ? closedText(settings.hours, new Date()) : undefined;
    if (text === undefined) return conversation;
    try {
      return (await say({ conversation, key: `hours-${conversation._id}`, text })).conversation;
    } catch (error) {
      if (!hasType(error, "CONVERSATION_CLOSED")) throw error;
      return conversation;
    }
  };
