import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import type { Meta, Role } from "../../lib/actions";
import type { Fact } from "../../lib/events";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import type { Delivery } from "../../services/api/api.contract";
import type { Conversation, Message } from "../../services/chat/chat.contract";
import chatService from "../../services/chat/chat.service";
import userService from "../../services/user/user.service";
import { startNode, type TestNode } from "./node";

export interface Person {
  id: string;
  name: string;
  meta: Meta;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** In the place of a gateway: hears what clients are told, and sees the status that an action chose. */
function door(heard: Delivery[]) {
  return (_: ServiceBroker): ServiceSchema => ({
    name: "door",
    events: { "api.deliver": (ctx: { params: Delivery }) => void heard.push(ctx.params) },
    actions: {
      async ask(ctx: Context<{ action: string; params: object }, Meta>) {
        const result = await ctx.call(ctx.params.action, ctx.params.params);
        return { status: ctx.meta.$statusCode, result };
      },
    },
  });
}

/** A node with the chat and whoever it needs, and people with a name and a role. */
export class ChatLab {
  private constructor(
    readonly node: TestNode,
    /** What clients were told, oldest first. */
    readonly told: Delivery[],
  ) {}

  static async start(
    environment: Record<string, string> = {},
    more: ((broker: ServiceBroker) => ServiceSchema)[] = [],
  ): Promise<ChatLab> {
    const told: Delivery[] = [];
    return new ChatLab(await startNode([userService, chatService, door(told), ...more], environment), told);
  }

  stop(): Promise<void> {
    return this.node.stop();
  }

  /** A user with this role, whom the user service knows by name. */
  async person(role: Role, name: string = role): Promise<Person> {
    const id = newId();
    await this.node.call("user.create", { id, email: `${id}@example.com`, name, roles: [role] });
    return { id, name, meta: this.metaOf(id, role) };
  }

  metaOf(id: string, role: Role): Meta {
    return { user: { id, roles: [role], sid: "s" } };
  }

  ask<R>({ meta }: Person, action: string, params: object = {}): Promise<R> {
    return this.node.as<R>({ ...meta }, `chat.${action}`, params);
  }

  /** The result with the status, where it is another one than the action's own. */
  answered<R>({ meta }: Person, action: string, params: object): Promise<{ status?: number; result: R }> {
    return this.node.as({ ...meta }, "door.ask", { action: `chat.${action}`, params });
  }

  open(customer: Person, params: object = {}): Promise<Conversation> {
    return this.ask(customer, "open", params);
  }

  /** Opened by a customer and taken by an agent. */
  async helped(customer: Person, agent: Person): Promise<Conversation> {
    const { id } = await this.open(customer);
    return this.ask(agent, "claim", { id });
  }

  send(person: Person, id: string, text: string, more: { clientMsgId?: string; kind?: string } = {}): Promise<Message> {
    return this.ask(person, "send", { id, text, clientMsgId: newId(), ...more });
  }

  find(person: Person, id: string): Promise<Conversation> {
    return this.ask(person, "find", { id });
  }

  history(person: Person, id: string, params: object = {}): Promise<{ items: Message[]; more: boolean }> {
    return this.ask(person, "history", { id, ...params });
  }

  /** What the topic says of a conversation. */
  async facts(id: string): Promise<Fact[]> {
    const messages = await nodeOf(this.node.broker).topics.peek("chat-message", newId(), 10_000);
    return messages.filter(({ key }) => key === id).map(({ value }) => JSON.parse(value) as Fact);
  }

  /** What one user was told of one event. */
  toldTo({ id }: Person, event: Delivery["event"]): object[] {
    return this.told
      .filter((delivery) => delivery.event === event && "users" in delivery.to && delivery.to.users.includes(id))
      .map(({ payload }) => payload);
  }
}

export const seqs = (messages: { seq: number }[]): number[] => messages.map(({ seq }) => seq);
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
