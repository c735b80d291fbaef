import { after, isPast } from "../../lib/time";
import { type Agent, chooseAgent } from "./agent";
import type { AgentStore } from "./agent.store";
import type { Assigning } from "./assigning";
import type { Conversation } from "./conversation";
import type { ConversationStore } from "./conversation.store";

/** Conversations that are looked at together. */
const PAGE = 50;
/** Milliseconds after which a place that was taken and not used is doubtful; the sweeper looks later, at all of them. */
const UNUSED_MS = 2000;

interface Parts {
  agents: AgentStore;
  conversations: ConversationStore;
  assigning: () => Assigning;
  failed: (error: unknown) => void;
}

/**
 * Gives what waits to whoever has a place, first come first served. One pass at a time on each node; two nodes may run
 * at once, as each step is a conditional write. Without somebody who has a place a pass is one small read.
 */
export class Queue {
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;

  constructor(private readonly parts: Parts) {}

  /** Somebody got a place, or came to wait. */
  kick = (): void => void this.move().catch(this.parts.failed);

  /** Resolves after a pass that began after this call. */
  move(): Promise<void> {
    this.next ??= (this.running ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        this.running = this.pass().finally(() => {
          this.running = undefined;
        });
        return this.running;
      });
    return this.next;
  }

  async stop(): Promise<void> {
    while (this.next || this.running) await (this.next ?? this.running)?.catch(() => undefined);
  }

  private async pass(): Promise<void> {
    const { agents, conversations } = this.parts;
    const available = new Map((await agents.available()).map((agent) => [agent._id, agent]));
    let last = "";
    while (available.size > 0) {
      const waiting = await conversations.queue(last, PAGE);
      for (const conversation of waiting) await this.serve(conversation, available);
      last = waiting.at(-1)?.place ?? "";
      if (waiting.length < PAGE) return;
    }
  }

  /** Until somebody has it, or nobody can: another node may be at it, too. */
  private async serve(conversation: Conversation, available: Map<string, Agent>): Promise<void> {
    for (;;) {
      const agent = chooseAgent([...available.values()], conversation);
      if (!agent) return this.clearUp(conversation, available);
      const given = await this.parts.assigning().give(agent, conversation);
      if (given.agent && given.agent.free >= 1) available.set(agent._id, given.agent);
      else available.delete(agent._id);
      // Without it the conversation has changed, or they could not take it and somebody else is asked.
      if (given.agent) return;
    }
  }

  /** A place that a dead node took for it and never used keeps it from that agent: freed, it is looked at again. */
  private async clearUp({ _id }: Conversation, available: Map<string, Agent>): Promise<void> {
    for (const agent of available.values()) {
      const at = agent.holding[_id];
      if (at !== undefined && isPast(after(UNUSED_MS, at))) await this.parts.assigning().withdraw(agent._id, _id, at);
    }
  }
}
