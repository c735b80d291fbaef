import type { ServiceBroker, ServiceSchema } from "moleculer";
import { nodeOf } from "../../lib/node";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { outboxOf } from "../../mixins/outbox.mixin";
import { topicsMixin } from "../../mixins/topics.mixin";
import { readerOf } from "./access";
import { chatConfig } from "./chat.config";
import { chatEvents } from "./chat.events";
import { clientActions } from "./client.actions";
import { conversationActions } from "./conversation.actions";
import { conversationStore } from "./conversation.store";
import { deliveryOf } from "./delivery";
import { deskOf } from "./desk";
import { erasing } from "./erasing";
import { messageActions } from "./message.actions";
import { messageStore } from "./message.store";
import { messaging as messagingOf } from "./messaging";
import { opening } from "./opening";
import { orderNews } from "./orders";
import { peopleOf } from "./people";
import { replyActions } from "./reply.actions";
import { replyStore } from "./reply.store";
import { reportActions } from "./report.actions";
import { conversationViews } from "./view";
import { welcoming } from "./welcome";

export default function chatService(broker: ServiceBroker): ServiceSchema {
  const { config, store, metrics } = nodeOf(broker);
  const conversations = conversationStore(store, () => outbox.wake());
  const messages = messageStore(store);
  const replies = replyStore(store);
  const outbox = outboxOf(broker, {
    service: "chat",
    collection: conversations.collection,
    events: chatEvents,
    // Notes among agents, and every word, on every node: those who are in a conversation are told by deliveries.
    bridge: false,
  });
  const views = conversationViews(conversations, messages);
  const delivery = deliveryOf(broker, conversations, views);
  const answered = (seconds: number) => metrics.chatFirstResponse.observe(seconds);
  const messaging = messagingOf({ conversations, messages, delivery, answered });
  const welcome = welcoming({ settings: config.of(chatConfig), say: messaging.say });
  const people = peopleOf();
  const open = opening({ conversations, messaging, delivery, people });
  const desk = deskOf(broker, {
    conversations,
    people,
    view: (conversation, caller) => views.one(conversation, readerOf(conversation, caller)),
    changed: (conversation) => delivery.conversation(conversation, { changedHands: true }),
    shown: delivery.conversation,
  });
  const forget = erasing({ conversations, messages, delivery, close: desk.close });
  const erase = (userId: string) => desk.erase(userId).then(() => forget(userId));

  return {
    name: "chat",
    mixins: [
      topicsMixin(broker),
      desk.mixin,
      outbox.mixin,
      collectionsMixin(conversations.collection, messages.collection, replies.collection),
    ],
    settings: { rest: "/" },
    metadata: { events: chatEvents.schemas, config: config.metadata(chatConfig) },
    dependencies: ["user"],

    actions: {
      ...conversationActions({ conversations, messages, open, delivery, views, opened: desk.opened, welcome }),
      ...messageActions({ conversations, messages, messaging, delivery, people }),
      ...clientActions({ conversations, messages, views, delivery, people, erase }),
      ...replyActions(replies),
      ...desk.actions,
      ...reportActions(conversations),
    },

    topics: {
      "order-event": { group: "chat", handler: orderNews({ conversations, say: messaging.say }) },
    },
  };
}
