import type { ActionSchema } from "moleculer";
import { action, type Caller, callerOf, callOf } from "../../lib/actions";
import { invalid } from "../../lib/errors";
import { HELPERS, isAgent, visibleConversation } from "./access";
import type { AgentStore } from "./agent.store";
import { type Assigning, notAssigned } from "./assigning";
import { ById, ConversationView, TransferParams } from "./chat.schema";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";
import { helperOf } from "./people";

export interface AssignmentParts {
  agents: AgentStore;
  assigning: Assigning;
  conversations: ConversationStore;
  view: (conversation: Conversation, caller: Caller) => Promise<ConversationView>;
}

const isAdmin = ({ roles }: Caller): boolean => roles.includes("admin");

/** Who has a conversation, by their own doing. */
export function assignmentActions(parts: AssignmentParts): Record<string, ActionSchema> {
  const { agents, assigning, conversations, view } = parts;

  return {
    claim: action({
      rest: "POST /conversations/:id/claim",
      access: HELPERS,
      summary: "Takes a conversation that waits; also while one is away",
      retryable: true,
      params: ById,
      returns: ConversationView,
      errors: [
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "AGENT_FULL"],
        [409, "ALREADY_ASSIGNED"],
        [409, "CONVERSATION_CLOSED"],
      ],
      async handler(ctx) {
        const caller = callerOf(ctx);
        await agents.ensure(caller.id, () => helperOf(callOf(ctx), caller.id));
        return view(await assigning.claim(ctx.params.id, caller.id), caller);
      },
    }),

    transfer: action({
      rest: "POST /conversations/:id/transfer",
      access: HELPERS,
      summary: "Gives it to another agent, or with `queue` back to the head of the queue",
      params: TransferParams,
      returns: ConversationView,
      errors: [
        [404, "AGENT_NOT_FOUND"],
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "AGENT_FULL"],
        [409, "CONVERSATION_CLOSED"],
        [409, "NOT_ASSIGNED"],
      ],
      async handler(ctx) {
        const { id, agentId, queue } = ctx.params;
        if ((agentId === undefined) === (queue === undefined))
          throw invalid([{ path: "agentId", message: "either this or queue is required" }]);
        const caller = callerOf(ctx);
        const target = agentId === undefined ? ("queue" as const) : { agentId };
        return view(await assigning.transfer(id, isAdmin(caller) ? null : caller.id, target), caller);
      },
    }),

    close: action({
      rest: "POST /conversations/:id/close",
      access: "signed-in",
      summary: "Ends a conversation: its customer, its agent, or an admin; again changes nothing",
      retryable: true,
      params: ById,
      returns: ConversationView,
      errors: [
        [404, "CONVERSATION_NOT_FOUND"],
        [409, "NOT_ASSIGNED"],
      ],
      async handler(ctx) {
        const caller = callerOf(ctx);
        await visibleConversation(conversations, ctx.params.id, caller);
        const closed = await assigning.close(ctx.params.id, ({ customer, agent }) => {
          const isTheirs = customer.id === caller.id || agent?.id === caller.id || isAdmin(caller);
          if (!isTheirs && isAgent(caller)) throw notAssigned();
        });
        return view(closed, caller);
      },
    }),
  };
}
