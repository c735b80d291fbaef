import { Id, OneOf, ShownText, Strict, Timestamp, Type } from "../../lib/schema";
import { ConversationView, STATUSES } from "./chat.schema";

const { customer, agent } = ConversationView.properties;

export const QueueParams = Strict({ limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }) });
export const Queued = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Id,
      customer,
      subject: Type.Optional(Type.String()),
      orderId: Type.Optional(Id),
      createdAt: Timestamp,
      again: Type.Boolean({ description: "it had an agent before" }),
    }),
  ),
  length: Type.Integer({ description: "of the whole queue" }),
});
export const AssignParams = Strict({ conversationId: Id, agentId: Id, operator: ShownText(200) });
export const Assigned = Type.Object({ id: Id, status: OneOf(...STATUSES), agent });
