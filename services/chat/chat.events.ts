import { defineEvents } from "../../lib/events";
import { Id, OneOf, type Static, Strict, Timestamp, Type } from "../../lib/schema";
import { KINDS, STATUSES } from "./chat.schema";

const Person = Strict({ id: Id, name: Type.String() });
const conversation = Strict({
  id: Id,
  customer: Person,
  agent: Type.Union([Person, Type.Null()]),
  orderId: Type.Optional(Id),
  subject: Type.Optional(Type.String()),
  status: OneOf(...STATUSES),
  createdAt: Timestamp,
  closedAt: Type.Optional(Timestamp),
});
const message = Strict({
  id: Id,
  seq: Type.Integer({ minimum: 1 }),
  kind: OneOf(...KINDS),
  sender: Strict({ id: Id, name: Type.String(), role: OneOf("customer", "agent", "system") }),
  text: Type.String(),
  createdAt: Timestamp,
});

const ofConversation = (description: string) => Strict({ conversationId: Id, conversation }, { description });

/** What happens in conversations: the facts of the topic `chat-message`, keyed by conversation. */
export const chatEvents = defineEvents({
  topic: "chat-message",
  source: "/chat",
  schemas: {
    "chat.conversation.opened": ofConversation("A customer asked for help."),
    "chat.conversation.assigned": ofConversation("An agent took it, or was given it."),
    "chat.conversation.closed": ofConversation("It is over."),
    "chat.message.sent": Strict(
      { conversationId: Id, customerId: Id, agentId: Type.Union([Id, Type.Null()]), message },
      { description: "A message, a note among agents, or what the system says." },
    ),
  },
});

export type ChatEventType = keyof typeof chatEvents.schemas;
export type ChatFact<T extends ChatEventType> = Static<(typeof chatEvents.schemas)[T]>;
