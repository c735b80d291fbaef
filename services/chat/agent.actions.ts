import type { ActionSchema } from "moleculer";
import { action, type Call, callerOf, callOf } from "../../lib/actions";
import { Nothing } from "../../lib/schema";
import { HELPERS } from "./access";
import { type Agent, agentView, newAgent, personOf } from "./agent";
import type { AgentStore } from "./agent.store";
import {
  AgentStatusParams,
  Agents,
  AgentView,
  ConnectParams,
  DisconnectParams,
  NoParams,
  OfUser,
  type Person,
  RenewParams,
} from "./chat.schema";
import { helperOf, type People, renamed } from "./people";
import type { Tracker } from "./presence/tracker";

interface Parts {
  agents: AgentStore;
  people: People;
  tracker: Tracker;
  /** Places of an agent who never said how many, at this moment. */
  capacity: () => number;
  /** Puts back into the queue what somebody has who helps no more. */
  dismiss: (agent: Agent) => Promise<void>;
  /** In a conversation that they have. */
  rename: (conversationId: string, person: Person) => Promise<void>;
  /** An agent may have got a place. */
  kick: () => void;
  warn: (error: unknown, text: string) => void;
}

/** Who is there, and who of them helps. Admins may help, too. */
export function agentActions({
  agents,
  people,
  tracker,
  capacity,
  dismiss,
  rename,
  kick,
  warn,
}: Parts): Record<string, ActionSchema> {
  const known = (call: Call, id: string): Promise<Agent> => agents.ensure(id, () => helperOf(call, id));

  /** They are shown by the name that they go by now, also where they help already. */
  async function comes(call: Call, id: string): Promise<void> {
    const person = await renamed(people, call, personOf(await known(call, id)));
    if (!person) return;
    const agent = await agents.rename(person);
    for (const conversationId of Object.keys(agent?.holding ?? {})) await rename(conversationId, person);
  }

  /** Somebody may have been an agent once. */
  async function leaves(id: string): Promise<void> {
    const retired = await agents.retire(id);
    if (retired) await dismiss(retired);
  }

  return {
    connect: action({
      retryable: true,
      params: ConnectParams,
      returns: Nothing,
      async handler(ctx) {
        const { agent, ...connection } = ctx.params;
        await (agent ? comes(callOf(ctx), connection.userId) : leaves(connection.userId)).catch((error: unknown) =>
          warn(error, "an agent who connected will be known once they say how they are"),
        );
        await tracker.connect(connection);
        return null;
      },
    }),

    retire: action({
      params: OfUser,
      returns: Nothing,
      async handler({ params: { userId } }) {
        // Also where they are retired already: whoever did it may have died before the rest.
        const retired = (await agents.retire(userId)) ?? (await agents.get(userId));
        if (retired && !retired.helps) await dismiss(retired);
        return null;
      },
    }),

    disconnect: action({
      retryable: true,
      params: DisconnectParams,
      returns: Nothing,
      async handler({ params }) {
        await tracker.disconnect(params);
        return null;
      },
    }),

    renew: action({
      retryable: true,
      params: RenewParams,
      returns: Nothing,
      async handler({ params }) {
        await tracker.renew(params.connections);
        return null;
      },
    }),

    agents: action({
      rest: "GET /agents",
      access: HELPERS,
      summary: "Who helps: how they are, and how much they have to do",
      retryable: true,
      params: NoParams,
      returns: Agents,
      handler: async () => ({ items: (await agents.all()).map(agentView) }),
    }),

    agentStatus: action({
      rest: "GET /agents/me",
      access: HELPERS,
      summary: "How one is oneself",
      retryable: true,
      params: NoParams,
      returns: AgentView,
      async handler(ctx) {
        const { id } = callerOf(ctx);
        const agent = await agents.get(id);
        return agentView(agent ?? newAgent(await people(callOf(ctx), id), capacity(), ""));
      },
    }),

    setAgentStatus: action({
      rest: "PUT /agents/me",
      access: HELPERS,
      summary:
        "Takes conversations or not, and how many; given only with a socket or a stream; a lower capacity takes none away",
      retryable: true,
      params: AgentStatusParams,
      returns: AgentView,
      async handler(ctx) {
        const { id } = callerOf(ctx);
        await known(callOf(ctx), id);
        const connected = (await tracker.online([id]))?.has(id);
        if (connected !== undefined) await agents.setConnected(id, connected);
        const agent = await agents.choose(id, ctx.params);
        kick();
        return agentView(agent ?? (await known(callOf(ctx), id)));
      },
    }),
  };
}
