import type { ActionSchema, ServiceBroker, ServiceSchema } from "moleculer";
import type { Caller } from "../../lib/actions";
import { broadcast } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import { within } from "../../lib/time";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { maintenanceMixin } from "../../mixins/maintenance.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import type { Delivery } from "../api/api.contract";
import { agentActions } from "./agent.actions";
import { agentStore } from "./agent.store";
import { assigning } from "./assigning";
import { assignmentActions } from "./assignment.actions";
import { chatConfig } from "./chat.config";
import type { ConversationView, Person } from "./chat.schema";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import { operationsActions } from "./operations.actions";
import type { People } from "./people";
import { presenceFor } from "./presence";
import { Tracker } from "./presence/tracker";
import { Queue } from "./queue";
import { queueMetricsMixin } from "./queue.metrics";
import { QueueNews } from "./queue.news";

/** Milliseconds between looks for somebody with a place and somebody who waits, whom no change brought together. */
const MOVE_EVERY_MS = 500;
/** Milliseconds between comparisons of what agents' documents say of connections with presence. */
const RECONCILE_EVERY_MS = 5000;
const REAP_EVERY_MS = 1000;
/** Milliseconds that whoever opens a conversation waits to hear who has it. */
const OPENED_MS = 1000;

interface Parts {
  conversations: ConversationStore;
  view: (conversation: Conversation, caller: Caller) => Promise<ConversationView>;
  /** A conversation changed hands or was closed: for whoever shows it. */
  changed: (conversation: Conversation) => Promise<unknown>;
  /** What is shown of a conversation is another: its agent's name. */
  shown: (conversation: Conversation) => Promise<unknown>;
  people: People;
}

export interface Desk {
  /** To be named before the conversations' collection. */
  mixin: Partial<ServiceSchema>;
  actions: Record<string, ActionSchema>;
  /** A conversation was opened: the conversation once it had its chance of an agent. */
  opened: (conversation: Conversation) => Promise<Conversation>;
  /** An agent is erased: their name goes, and somebody else gets what they had. Idempotent. */
  erase: (userId: string) => Promise<void>;
  /** Ends a conversation, whoever has it. */
  close: (conversation: Conversation) => Promise<unknown>;
}

/** The help desk: who is there, and who of them gets which conversation. */
export function deskOf(broker: ServiceBroker, { conversations, view, changed, shown, people }: Parts): Desk {
  const { config, environment, store, metrics } = nodeOf(broker);
  const settings = config.of(chatConfig);
  const capacity = () => settings.capacity;
  const { agentGraceMs: graceMs, connectionMs } = environment.chat;
  const { leaseMs } = environment;
  const logger = broker.getLogger("chat");
  const warn = (error: unknown, text: string) => logger.warn({ err: error }, text);
  const deliver = (delivery: Delivery) => broadcast(broker, "api.deliver", delivery);

  const agents = agentStore(store, { capacity, leaseMs, graceMs });
  const presence = presenceFor(environment, () => tracker.returned());
  const tracker = new Tracker({ presence, leaseMs: connectionMs, logger, changed: presenceChanged });
  const queue: Queue = new Queue({
    agents,
    conversations,
    assigning: () => process,
    failed: (error) => warn(error, "the queue will be moved again"),
  });
  const news = new QueueNews({ conversations, deliver, failed: (error) => warn(error, "news of the queue are lost") });
  const { kick } = queue;
  let unfollow = () => {};
  const process = assigning({
    agents,
    conversations,
    leaseMs,
    graceMs,
    changed: tellChanged,
    queueChanged: news.changed,
    kick,
  });

  function tellChanged(conversation: Conversation): void {
    void changed(conversation).catch((error: unknown) => warn(error, "news of a conversation are lost"));
  }

  async function rename(conversationId: string, person: Person): Promise<void> {
    const renamed = await conversations.rename(conversationId, person);
    if (renamed) await shown(renamed);
  }

  async function presenceChanged(userId: string, online: boolean): Promise<void> {
    deliver({ to: { role: "agent" }, event: "chat.presence", payload: { userId, online }, volatile: true });
    if ((await agents.setConnected(userId, online)) && online) kick();
  }

  async function followCapacity(): Promise<void> {
    if ((await agents.follow()) > 0) kick();
  }

  /** What an agent's document says of connections follows presence, and their places the configuration, whatever was lost. */
  async function reconcile(): Promise<void> {
    await followCapacity();
    const all = await agents.all();
    const online = await tracker.online(all.map(({ _id }) => _id));
    if (!online) return;
    const wrong = all.filter(({ _id, connected }) => connected !== online.has(_id));
    for (const { _id } of wrong) await agents.setConnected(_id, online.has(_id));
    if (wrong.length > 0) kick();
  }

  return {
    mixin: {
      mixins: [
        sweeperMixin({ collection: agents.collection, leaseMs, handle: process.lookAfter }),
        sweeperMixin({ collection: conversations.collection, leaseMs, handle: process.advance }),
        maintenanceMixin(MOVE_EVERY_MS, () => queue.move()),
        maintenanceMixin(Math.min(REAP_EVERY_MS, connectionMs / 4), () => tracker.reap()),
        maintenanceMixin(Math.min(RECONCILE_EVERY_MS, connectionMs), reconcile),
        {
          started() {
            unfollow = config.onChange(chatConfig, "capacity", () => {
              followCapacity().catch((error: unknown) => warn(error, "capacities will be followed at the next look"));
            });
          },
          async stopped() {
            unfollow();
            await queue.stop();
            await news.stop();
            await presence.close();
          },
        },
        queueMetricsMixin(metrics, conversations),
        collectionsMixin(agents.collection),
      ],
    },

    actions: {
      ...agentActions({ agents, people, tracker, capacity, dismiss: process.dismiss, rename, kick, warn }),
      ...assignmentActions({ agents, assigning: process, conversations, view }),
      ...operationsActions({ assigning: process, conversations, logger }),
    },

    async erase(userId) {
      const agent = await agents.forget(userId);
      if (agent) await process.dismiss(agent);
    },

    close: ({ _id }) => process.close(_id, () => undefined),

    async opened(conversation) {
      news.changed(conversation.place ?? "");
      await within(OPENED_MS, () => queue.move()).catch((error: unknown) =>
        warn(error, "a new conversation is left to the queue"),
      );
      return (await conversations.get(conversation._id)) ?? conversation;
    },
  };
}
