import type { Call } from "../../lib/actions";
import { hasType, notFound } from "../../lib/errors";
import type { Fact } from "../../lib/events";
import type { Static } from "../../lib/schema";
import type {} from "../order/order.contract";
import type { Context } from "./chat.schema";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";

/** Orders that whoever helps a customer sees. */
const SHOWN = 20;

/** Milliseconds that a customer waits until they are helped without `order`. */
const ORDER_TIMEOUT_MS = 1500;

type OrderFact = Extract<Fact, { type: `order.${string}` }>;

/** What conversations say about an order, for both who read them. */
const WORDS: { [T in OrderFact["type"]]: (number: string) => string } = {
  "order.placed": (number) => `주문 ${number}: 접수되었습니다. Order ${number} is placed.`,
  "order.paid": (number) => `주문 ${number}: 결제되었습니다. Order ${number} is paid.`,
  "order.cancelled": (number) => `주문 ${number}: 취소되었습니다. Order ${number} is cancelled.`,
  "order.shipped": (number) => `주문 ${number}: 발송되었습니다. Order ${number} is on its way.`,
  "order.delivered": (number) => `주문 ${number}: 배송되었습니다. Order ${number} has arrived.`,
  "order.refunded": (number) => `주문 ${number}: 환불되었습니다. Order ${number} is refunded.`,
};
const PARTLY_REFUNDED = (number: string) => `주문 ${number}: 일부 환불되었습니다. Order ${number} is partly refunded.`;

const isOrderFact = (event: Fact): event is OrderFact => Object.hasOwn(WORDS, event.type);

const textOf = ({ type, data: { number, status } }: OrderFact): string =>
  (type === "order.refunded" && status !== "refunded" ? PARTLY_REFUNDED : WORDS[type])(number);

export interface SystemMessage {
  conversation: Conversation;
  /** The same for each try. */
  key: string;
  text: string;
}

interface Parts {
  conversations: ConversationStore;
  /** Once for each key. Throws 409 CONVERSATION_CLOSED where it is over. */
  say: (message: SystemMessage) => Promise<unknown>;
}

/** What becomes of an order is said in the open conversation that is about it. At least once for each event. */
export function orderNews({ conversations, say }: Parts) {
  return async (event: Fact): Promise<void> => {
    if (!isOrderFact(event)) return;
    const { orderId, customerId } = event.data;
    const conversation = await conversations.openOf(customerId);
    if (conversation?.orderId !== orderId) return;
    try {
      await say({ conversation, key: `order-event-${event.id}`, text: textOf(event) });
    } catch (error) {
      if (!hasType(error, "CONVERSATION_CLOSED")) throw error;
    }
  };
}

/**
 * 404 ORDER_NOT_FOUND where `order` answers that it is not there, or not this customer's. While it does not answer any
 * order is good: nobody is refused help for that, and whatever is shown of it is looked up by customer again.
 */
export async function requireOwnOrder(call: Call, customerId: string, id: string): Promise<void> {
  const options = { timeout: ORDER_TIMEOUT_MS, retries: 0 };
  const order = await call("order.find", { id }, options).catch((error: unknown) => {
    if (hasType(error, "ORDER_NOT_FOUND")) throw error;
  });
  // Whoever also helps may see the orders of others.
  if (order && order.customerId !== customerId) throw notFound("ORDER_NOT_FOUND", "There is no such order.");
}

/** A customer's latest orders. What keeps `order` from answering is thrown. */
export async function contextOf(call: Call, { customer }: Conversation): Promise<Static<typeof Context>> {
  const { items } = await call("order.ofCustomer", { customerId: customer.id, limit: SHOWN });
  return { orders: items };
}
