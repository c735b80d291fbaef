import type { ActionSchema } from "moleculer";
import { action, callerOf, callOf } from "../../lib/actions";
import { invalid } from "../../lib/errors";
import { HELPERS, visibleConversation } from "./access";
import { ById, Context, ReportParams } from "./chat.schema";
import type { ConversationStore } from "./conversation.store";
import { contextOf } from "./orders";
import { ChatReport, chatReport } from "./report";

/** Milliseconds: a year and a day. */
const LONGEST = 366 * 86_400_000;

/** What those who help, and those who lead them, look up beside the conversations. */
export function reportActions(conversations: ConversationStore): Record<string, ActionSchema> {
  return {
    context: action({
      rest: "GET /conversations/:id/context",
      access: HELPERS,
      summary: "What whoever helps should know of a conversation's customer: their latest orders",
      retryable: true,
      params: ById,
      returns: Context,
      errors: [[404, "CONVERSATION_NOT_FOUND"]],
      async handler(ctx) {
        const { conversation } = await visibleConversation(conversations, ctx.params.id, callerOf(ctx));
        return contextOf(callOf(ctx), conversation);
      },
    }),

    report: action({
      rest: "GET /reports/chat",
      access: ["admin"],
      summary: "Volumes, waiting times and ratings of the conversations that were opened in a time of a year at most",
      retryable: true,
      timeout: 30_000,
      params: ReportParams,
      returns: ChatReport,
      handler({ params: { from, to } }) {
        const ms = Date.parse(to) - Date.parse(from);
        if (!(ms > 0 && ms <= LONGEST))
          throw invalid([{ path: "to", message: "must be after from, by a year at most" }]);
        return chatReport(conversations.collection, from, to);
      },
    }),
  };
}
