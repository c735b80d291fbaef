import type { ActionSchema, ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import type { Assigning } from "./assigning";
import type { ConversationStore } from "./conversation.store";
import { Assigned, AssignParams, Queued, QueueParams } from "./operations.schema";

interface Parts {
  assigning: Assigning;
  conversations: ConversationStore;
  logger: ServiceBroker["logger"];
}

/** What whoever operates the shop asks: `chat.contract.ts` says what each promises. */
export function operationsActions({ assigning, conversations, logger }: Parts): Record<string, ActionSchema> {
  return {
    queue: action({
      params: QueueParams,
      returns: Queued,
      retryable: true,
      async handler({ params }) {
        const [first, places] = await Promise.all([conversations.queue("", params.limit), conversations.places()]);
        const items = first.map(({ _id: id, customer, subject, orderId, createdAt, firstAssignedAt }) => ({
          id,
          customer,
          ...(subject !== undefined && { subject }),
          ...(orderId !== undefined && { orderId }),
          createdAt,
          again: firstAssignedAt !== undefined,
        }));
        return { items, length: places.length };
      },
    }),

    assign: action({
      params: AssignParams,
      returns: Assigned,
      retryable: true,
      async handler({ params: { conversationId, agentId, operator } }) {
        const { _id: id, status, agent } = await assigning.transfer(conversationId, null, { agentId });
        logger.info({ operator, conversationId, agentId }, "a conversation was assigned, as was asked for");
        return { id, status, agent };
      },
    }),
  };
}
