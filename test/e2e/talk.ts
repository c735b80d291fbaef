import { io, type Socket } from "socket.io-client";
import type { ConversationView, MessageView } from "../../services/chat/chat.schema";
import { eventually } from "../integration/node";
import { expectStatus, type Shop, type Tokens } from "./shop";

/** Milliseconds that an answer may take before the client asks again. */
const ANSWER_MS = 2000;

class Person {
  readonly heard: string[] = [];
  /** What the server told before it closed the connection. */
  readonly endings: string[] = [];
  readonly socket: Socket;

  constructor(
    origin: string,
    readonly token: string,
  ) {
    const reconnecting = { reconnectionDelay: 50, reconnectionDelayMax: 250 };
    this.socket = io(origin, { auth: { token }, transports: ["websocket"], forceNew: true, ...reconnecting });
    this.socket.on("session.ended", ({ reason }: { reason: string }) => void this.endings.push(reason));
    this.socket.on("chat.message", ({ message }: { message: MessageView }) => void this.heard.push(message.text ?? ""));
  }

  /** Asks again while nobody answers, as a client does: the service may be being loaded. */
  ask<R>(name: string, params: object): Promise<R> {
    const once = () =>
      new Promise<R | undefined>((resolve, reject) => {
        const answered = (late: Error | null, problem: { status: number } | null, result: R) => {
          if (problem && problem.status < 500) reject(new Error(JSON.stringify(problem)));
          else resolve(late || problem ? undefined : result);
        };
        this.socket.timeout(ANSWER_MS).emit("call", name, params, answered);
      });
    return eventually(once) as Promise<R>;
  }
}

/** A customer and an agent in a conversation, each at one socket that connects again by itself. */
export class Talk {
  readonly said: string[] = [];

  private constructor(
    readonly shop: Shop,
    readonly id: string,
    readonly customer: Person,
    readonly agent: Person,
  ) {}

  static async begin(shop: Shop, kim: Tokens, lee: Tokens): Promise<Talk> {
    const [customer, agent] = [new Person(shop.origin, kim.accessToken), new Person(shop.origin, lee.accessToken)];
    await agent.ask("agent.status", { status: "online" });
    const { id } = await customer.ask<ConversationView>("chat.open", { subject: "Help" });
    const path = `/conversations/${id}`;
    const holder = async () =>
      (await shop.call<ConversationView>("GET", path, { token: kim.accessToken })).body.agent?.id;
    await eventually(async () => (await holder()) === lee.user.id);
    return new Talk(shop, id, customer, agent);
  }

  /** Of the connections; others when they were made anew. */
  get socketIds(): (string | undefined)[] {
    return [this.customer.socket.id, this.agent.socket.id];
  }

  get isConnected(): boolean {
    return this.customer.socket.connected && this.agent.socket.connected;
  }

  /** One message each way: stored, acknowledged and heard by the other. */
  async exchange(): Promise<void> {
    for (const [from, to] of [
      [this.customer, this.agent],
      [this.agent, this.customer],
    ] as const) {
      const clientMsgId = `m${this.said.length}`;
      const text = `Message ${this.said.length}`;
      await from.ask("chat.send", { conversationId: this.id, clientMsgId, text });
      this.said.push(text);
      await eventually(() => to.heard.includes(text));
    }
  }

  /** What the store has of it. */
  async history(): Promise<(string | undefined)[]> {
    const path = `/conversations/${this.id}/messages?limit=100`;
    const token = this.customer.token;
    const answer = await this.shop.call<{ items: { text?: string }[] }>("GET", path, { token });
    return expectStatus(answer, 200).items.map(({ text }) => text);
  }

  close(): void {
    for (const { socket } of [this.customer, this.agent]) socket.disconnect();
  }
}
