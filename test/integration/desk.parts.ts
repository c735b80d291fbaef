import type { Meta, Role } from "../../lib/actions";
import { newId } from "../../lib/ids";
import type { Delivery } from "../../services/api/api.contract";
import type { Conversation } from "../../services/chat/chat.contract";
import chatService from "../../services/chat/chat.service";
import userService from "../../services/user/user.service";
import { startNode, type TestNode } from "./node";

export interface AgentState {
  id: string;
  name: string;
  status: string;
  online: boolean;
  capacity: number;
  load: number;
}

export interface Person {
  id: string;
  name: string;
  meta: Meta;
}

/** A node with the chat, people of all roles, and what clients would have been told. */
export class DeskLab {
  readonly delivered: Delivery[] = [];
  private constructor(readonly node: TestNode) {}

  static async start(more: Record<string, string> = {}): Promise<DeskLab> {
    const lab: { delivered?: Delivery[] } = {};
    const gateway = () => ({
      name: "gateway",
      events: { "api.deliver": ({ params }: { params: Delivery }) => void lab.delivered?.push(params) },
    });
    const node = await startNode([userService, chatService, gateway], { LEASE_MS: "500", ...more });
    const desk = new DeskLab(node);
    lab.delivered = desk.delivered;
    return desk;
  }

  stop = (): Promise<void> => this.node.stop();

  async person(role: Role, name = `${role} ${newId().slice(-6)}`): Promise<Person> {
    const id = newId();
    await this.node.call("user.create", { id, email: null, name, roles: [role] });
    return { id, name, meta: { user: { id, roles: [role], sid: "s" } } };
  }

  /** An agent who is connected and takes conversations. */
  async agent({ status = "online", capacity = 5, connected = true } = {}): Promise<Person> {
    const agent = await this.person("agent");
    if (connected) await this.connect(agent);
    await this.status(agent, { status, capacity });
    return agent;
  }

  async connect({ id, meta }: Person, connectionId = `c-${id}`): Promise<void> {
    const agent = meta.user?.roles.includes("agent") ?? false;
    await this.node.call("chat.connect", { connectionId, userId: id, agent });
  }

  async disconnect({ id }: Person, connectionId = `c-${id}`): Promise<void> {
    await this.node.call("chat.disconnect", { connectionId, userId: id });
  }

  status(agent: Person, params: { status?: string; capacity?: number }): Promise<AgentState> {
    return this.node.as(agent.meta, "chat.setAgentStatus", params);
  }

  async open(customer?: Person): Promise<Conversation> {
    return this.node.as((customer ?? (await this.person("customer"))).meta, "chat.open", {});
  }

  act(by: Person, action: "claim" | "close" | "find" | "transfer", id: string, more = {}): Promise<Conversation> {
    return this.node.as(by.meta, `chat.${action}`, { id, ...more });
  }

  say(by: Person, id: string, text = "Hello"): Promise<unknown> {
    return this.node.as(by.meta, "chat.send", { id, text, clientMsgId: newId() });
  }

  async agents(by: Person): Promise<Map<string, AgentState>> {
    const { items } = await this.node.as<{ items: AgentState[] }>(by.meta, "chat.agents");
    return new Map(items.map((agent) => [agent.id, agent]));
  }
}
