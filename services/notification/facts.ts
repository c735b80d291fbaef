import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import type { Fact } from "../../lib/events";
import { after, isPast } from "../../lib/time";
import { orderLink } from "./notification";
import type { Telling } from "./telling";
import { type OrderNews, textOf } from "./texts";
import type { Unread, UnreadStore } from "./unread.store";

interface Parts {
  telling: Telling;
  unread: UnreadStore;
  call: Call;
  /** Milliseconds after which an unread message is told. */
  unreadMs: number;
}

type OrderFact = Extract<Fact, { type: OrderNews }>;
type Handover = Extract<Fact, { type: "chat.conversation.assigned" }>;

const NEWS: Record<OrderNews, true> = {
  "order.paid": true,
  "order.cancelled": true,
  "order.shipped": true,
  "order.delivered": true,
  "order.refunded": true,
};
const isNews = (event: Fact): event is OrderFact => Object.hasOwn(NEWS, event.type);

/** What of the facts of others concerns a user enough to be told. */
export function factsOf({ telling, unread, call, unreadMs }: Parts) {
  /** What nobody read before may wait for whoever has the conversation now. */
  async function handedOver({ id: eventId, time, data }: Handover): Promise<void> {
    const { conversationId, conversation } = data;
    const userId = conversation.agent?.id;
    if (userId === undefined) return;
    const handover = { eventId, conversationId, userId, isAgent: true, tellAt: after(unreadMs, time) };
    await telling.unlessErased(userId, () => unread.handedOver(handover));
  }

  return {
    async order(event: Fact): Promise<void> {
      if (!isNews(event)) return;
      const { customerId, orderId } = event.data;
      await telling.tell(customerId, {
        type: event.type,
        cause: event.id,
        at: event.time,
        link: orderLink(orderId),
        text: (locale) => textOf(event.type, event.data as never, locale),
      });
    },

    /** A message is not told at once: its reader may be looking at the conversation. */
    async chat(event: Fact): Promise<void> {
      if (event.type === "chat.conversation.assigned") return handedOver(event);
      if (event.type !== "chat.message.sent") return;
      const { conversationId, customerId, agentId, message } = event.data;
      const { kind, sender, seq, createdAt } = message;
      if (kind !== "message" || sender.role === "system") return;
      const isAgent = sender.role === "customer";
      const userId = isAgent ? agentId : customerId;
      if (userId === null || userId === sender.id) return;
      const sent = { eventId: event.id, conversationId, userId, isAgent, seq, tellAt: after(unreadMs, createdAt) };
      await telling.unlessErased(userId, () => unread.note(sent));
    },

    /** What waits for its reader is due: told where it is still unread. */
    async unread(waiting: Unread): Promise<void> {
      const { conversationId, userId, isAgent, batch } = waiting;
      if (!batch) return;
      const { unread: count, oldestAt } = await call("chat.unread", { userId, conversationId });
      const tellAt = oldestAt && after(unreadMs, oldestAt);
      // What the batch began with was read; what joined it later is not old enough yet.
      if (tellAt && !isPast(tellAt)) return unread.postpone(waiting, tellAt);
      if (tellAt)
        await telling.tell(userId, {
          type: "chat.unread",
          cause: batch.id,
          at: batch.at,
          link: `/conversations/${encodeURIComponent(conversationId)}`,
          text: (locale) => textOf("chat.unread", { unread: count, isAgent }, locale),
        });
      crashPoint("notification.unread.told");
      await unread.done(waiting, unreadMs);
    },
  };
}
