import type { ServiceBroker } from "moleculer";
import { broadcast } from "../../lib/events";
import type { Delivery as ToClients } from "../api/api.contract";
import type { Reader } from "./access";
import type { Person } from "./chat.schema";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import { type Message, messageView } from "./message";
import type { ConversationViews } from "./view";

type Audience = ToClients["to"];

const users = (...ids: (string | undefined)[]): Audience => ({
  users: [...new Set(ids.filter((id) => id !== undefined))],
});
/** Its customer, who may be an agent elsewhere, is never told as one; whoever has it is told what is theirs alone. */
const otherAgents = ({ customer, agent }: Conversation, ...more: string[]): Audience => ({
  role: "agent",
  except: [customer.id, ...(agent ? [agent.id] : []), ...more],
});

/** Agents who have not got it and have read in it or had it: for them there is less to read than for all others. */
const formerHelpers = ({ customer, agent, agents, reads }: Conversation): string[] =>
  [...new Set([...agents, ...Object.keys(reads)])].filter((id) => id !== customer.id && id !== agent?.id);

/** Agents whom a conversation concerns: its own, and all of them while nobody has it. */
const helpers = (conversation: Conversation, ...others: string[]): Audience =>
  conversation.status === "queued" ? otherAgents(conversation) : users(conversation.agent?.id, ...others);

/** Tells clients what changed. It may be lost on the way: they see by seqs what they miss. */
export function deliveryOf(broker: ServiceBroker, conversations: ConversationStore, views: ConversationViews) {
  const logger = broker.getLogger("chat");

  const tell = (to: Audience, event: ToClients["event"], payload: object, volatile = false): void => {
    if ("users" in to && to.users.length === 0) return;
    broadcast(broker, "api.deliver", { to, event, payload, ...(volatile && { volatile }) });
  };

  return {
    /** `before` is the conversation without the message: its last seqs are what comes before it. */
    message(before: Conversation, message: Message): void {
      const { _id: conversationId, customer, lastSeq, publicSeq } = before;
      const payload = { conversationId, message: messageView(message) };
      if (message.kind !== "note") tell(users(customer.id), "chat.message", { ...payload, prevSeq: publicSeq });
      const author = message.sender.role === "agent" ? [message.sender.id] : [];
      tell(helpers(before, ...author), "chat.message", { ...payload, prevSeq: lastSeq });
    },

    /** A message was edited or deleted. */
    changed(conversation: Conversation, message: Message): void {
      const payload = { conversationId: conversation._id, message: messageView(message) };
      if (message.kind !== "note") tell(users(conversation.customer.id), "chat.changed", payload);
      const author = message.sender.role === "agent" ? [message.sender.id] : [];
      tell(helpers(conversation, ...author), "chat.changed", payload);
    },

    /**
     * A conversation is another one than before: status, agent, labels, rating. It is read once more, so that of two who
     * tell of it at once the last one tells how it is. Where it changed hands all agents hear of it, those who never had to do
     * with it with nobody's reading counted; what only agents see its customer does not. Never rejects.
     */
    async conversation({ _id }: Conversation, { changedHands = false, agentsOnly = false } = {}): Promise<void> {
      try {
        const conversation = await conversations.get(_id);
        if (!conversation) return;
        const { customer, agent, status } = conversation;
        const shown: [Audience, Reader][] = [];
        if (!agentsOnly) shown.push([users(customer.id), { id: customer.id, agent: false }]);
        if (agent) shown.push([users(agent.id), { id: agent.id, agent: true }]);
        if (changedHands || status === "queued") {
          const former = formerHelpers(conversation);
          for (const id of former)
            shown.push([
              { role: "agent", only: [id] },
              { id, agent: true },
            ]);
          shown.push([otherAgents(conversation, ...former), { id: "", agent: true }]);
        }
        const made = await views.many(shown.map(([, reader]) => ({ conversation, reader })));
        for (const [index, [to]] of shown.entries()) tell(to, "chat.conversation", { conversation: made[index] });
      } catch (error) {
        logger.warn({ err: error }, "news of a conversation are lost");
      }
    },

    /**
     * How far somebody has read who was less far in the conversation as given, to both sides; its customer of what they see themselves. An
     * agent who only looks in is no sign that the other side has an answer.
     */
    read({ _id: conversationId, customer, agent, publicSeq, reads }: Conversation, userId: string, seq: number): void {
      const payload = { conversationId, userId, seq };
      const isSide = userId === customer.id || userId === agent?.id;
      const shown = Math.min(seq, publicSeq);
      if (isSide && shown > (reads[userId] ?? 0)) tell(users(customer.id), "chat.read", { ...payload, seq: shown });
      tell(users(isSide ? agent?.id : userId), "chat.read", payload);
    },

    typing({ _id: conversationId, customer, agent }: Conversation, user: Person, typing: boolean): void {
      const other = user.id === customer.id ? agent?.id : customer.id;
      tell(users(other), "chat.typing", { conversationId, user, typing }, true);
    },
  };
}

export type Delivery = ReturnType<typeof deliveryOf>;
