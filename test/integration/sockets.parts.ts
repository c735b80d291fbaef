import type { AddressInfo } from "node:net";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import { action, callerOf, type Meta } from "../../lib/actions";
import { conflict } from "../../lib/errors";
import { broadcast } from "../../lib/events";
import { Nothing, Strict, Type } from "../../lib/schema";
import type { Delivery } from "../../services/api/api.contract";
import apiService from "../../services/api/api.service";
import authService from "../../services/auth/auth.service";
import * as schema from "../../services/chat/chat.schema";
import userService from "../../services/user/user.service";
import { eventually, startNode, type TestNode } from "./node";

export interface Problem {
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: { path: string; message: string }[];
}

/** What stands for chat: it keeps what it is asked, and answers what a test wants. */
export class StandIn {
  readonly calls: { action: string; params: Record<string, unknown>; meta: Meta; requestID: string | null }[] = [];
  readonly connected = new Map<string, string>();
  /** By user and conversation. */
  heads: Record<string, Record<string, number>> = {};
  messages: { conversationId: string; seq: number; text: string }[] = [];
  conversations: { id: string; status: string; customer: object; agent: object | null; closedAt?: string }[] = [];
  /** What happens before an answer. */
  before: (action: string) => Promise<void> | void = () => undefined;

  readonly chat = (_: ServiceBroker): ServiceSchema => {
    const note = async (name: string, ctx: { params: unknown; meta: Meta; requestID: string | null }) => {
      const { params, meta, requestID } = ctx;
      this.calls.push({ action: name, params: params as Record<string, unknown>, meta: { ...meta }, requestID });
      await this.before(name);
    };
    return {
      name: "chat",
      settings: { rest: "/" },
      actions: {
        open: action({
          rest: "POST /conversations",
          access: ["customer"],
          params: schema.OpenParams,
          returns: Type.Unknown(),
          async handler(ctx) {
            await note("open", ctx);
            // What an action must not be able to do to the socket that asked.
            Object.assign(ctx.meta, { user: { id: "somebody", roles: ["admin"], sid: "s" }, $join: "role:agent" });
            return { id: "c1", customer: { id: callerOf(ctx).id } };
          },
        }),
        send: action({
          rest: "POST /conversations/:id/messages",
          access: "signed-in",
          params: schema.SendParams,
          returns: Type.Unknown(),
          async handler(ctx) {
            await note("send", ctx);
            if (ctx.params.text === "full") throw conflict("CONVERSATION_CLOSED", "It is closed.");
            if (ctx.params.text === "bug") throw new Error("secret detail");
            return { id: "m1", conversationId: ctx.params.id, text: ctx.params.text, user: callerOf(ctx).id };
          },
        }),
        claim: action({
          rest: "POST /conversations/:id/claim",
          access: ["agent", "admin"],
          params: schema.ById,
          returns: Type.Unknown(),
          async handler(ctx) {
            await note("claim", ctx);
            return { id: ctx.params.id };
          },
        }),
        typing: action({
          params: schema.TypingParams,
          returns: Nothing,
          async handler(ctx) {
            await note("typing", ctx);
            return null;
          },
        }),
        sync: action({
          params: schema.SyncParams,
          returns: Type.Unknown(),
          handler: async (ctx) => {
            await note("sync", ctx);
            const { cursors } = ctx.params;
            const messages = this.messages.filter(({ conversationId, seq }) => seq > (cursors[conversationId] ?? seq));
            const conversations = this.conversations.filter(({ id }) => id in cursors);
            return { messages, conversations, more: false };
          },
        }),
        list: action({
          params: schema.ListParams,
          returns: Type.Unknown(),
          handler: async (ctx) => {
            await note("list", ctx);
            const items = this.conversations.filter(({ status }) => status === ctx.params.status);
            return { items, nextCursor: null };
          },
        }),
        heads: action({
          params: schema.HeadsParams,
          returns: Type.Unknown(),
          handler: async (ctx) => {
            await note("heads", ctx);
            return { heads: this.heads };
          },
        }),
        connect: action({
          params: schema.ConnectParams,
          returns: Nothing,
          handler: async (ctx) => {
            await note("connect", ctx);
            this.connected.set(ctx.params.connectionId, ctx.params.userId);
            return null;
          },
        }),
        disconnect: action({
          params: schema.DisconnectParams,
          returns: Nothing,
          handler: async (ctx) => {
            await note("disconnect", ctx);
            this.connected.delete(ctx.params.connectionId);
            return null;
          },
        }),
        renew: action({
          params: schema.RenewParams,
          returns: Nothing,
          async handler(ctx) {
            await note("renew", ctx);
            return null;
          },
        }),
        inner: action({ params: Strict({}), returns: Type.Unknown(), handler: () => ({ secret: true }) }),
      },
    };
  };

  notified: { id: string }[] = [];
  readonly notification = (_: ServiceBroker): ServiceSchema => ({
    name: "notification",
    settings: { rest: "/" },
    actions: {
      list: action({
        params: Type.Object({ limit: Type.Integer(), cursor: Type.Optional(Type.String()) }),
        returns: Type.Unknown(),
        handler: ({ params: { limit, cursor = "0" } }) => {
          const next = Number(cursor) + limit;
          const items = this.notified.toReversed().slice(Number(cursor), next);
          return { items, nextCursor: next < this.notified.length ? String(next) : null };
        },
      }),
    },
  });

  made(action: string) {
    return this.calls.filter((call) => call.action === action);
  }
}

export interface Gateway extends TestNode {
  url: string;
  deliver: (delivery: Delivery) => void;
}

type Services = ((broker: ServiceBroker) => ServiceSchema)[];

const withUrl = (node: TestNode): Gateway => {
  const { server } = node.broker.getLocalService("api") as unknown as { server: { address(): AddressInfo } };
  const deliver = (delivery: Delivery) => broadcast(node.broker, "api.deliver", delivery);
  return Object.assign(node, { url: `http://127.0.0.1:${server.address().port}`, deliver });
};

/** A gateway with real auth and user services, and a stand-in for chat. */
export function startShop(standIn: StandIn, environment: Record<string, string> = {}): Promise<Gateway> {
  return startWith([standIn.chat, standIn.notification], environment);
}

/** A gateway with real auth and user services, and these. */
export const startWith = (others: Services, environment: Record<string, string> = {}): Promise<Gateway> =>
  startServices([authService, userService, ...others], environment);

/** A gateway with these services and no other. */
export async function startServices(services: Services, environment: Record<string, string> = {}): Promise<Gateway> {
  const gateway = withUrl(await startNode([...services, apiService], { PORT: "0", ...environment }));
  await routed(gateway);
  return gateway;
}

/** Another gateway, whose auth and chat are the given shop's. */
export async function startSecond(shop: TestNode, environment: Record<string, string> = {}): Promise<Gateway> {
  const remote =
    (name: string, ...actions: string[]) =>
    (): ServiceSchema => ({
      name,
      actions: Object.fromEntries(
        actions.map((one) => [
          one,
          (ctx: { params: object; meta: Meta }) => shop.broker.call(`${name}.${one}`, ctx.params, { meta: ctx.meta }),
        ]),
      ),
    });
  const services = [
    remote("auth", "jwks", "revocations"),
    remote("chat", "connect", "disconnect", "renew", "heads", "sync", "list"),
    remote("notification", "list"),
    apiService,
  ];
  const gateway = withUrl(await startNode(services, { PORT: "0", ...environment }));
  await routed(gateway);
  return gateway;
}

const routed = (gateway: Gateway) =>
  eventually(async () => (await fetch(`${gateway.url}/api/v1/stream`)).status === 401);

const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

export function open(
  url: string,
  token: string | undefined,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Socket {
  const client = io(url, {
    auth: token === undefined ? {} : { token },
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
    ...options,
  });
  clients.push(client);
  return client;
}

export const connected = (client: Socket): Promise<Socket> =>
  new Promise((resolve, reject) => {
    client.once("connect", () => resolve(client));
    client.once("connect_error", reject);
  });

export const refusedWith = (client: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    client.once("connect", () => reject(new Error("it was let in")));
    client.once("connect_error", (error: Error & { data?: Problem }) => resolve(error.data?.code ?? error.message));
  });

/** The result of a call; rejects with the problem. */
export const call = <R = Record<string, unknown>>(client: Socket, name: unknown, params?: unknown): Promise<R> =>
  new Promise((resolve, reject) => {
    client.emit("call", name, params, (error: Problem | null, result: R) => (error ? reject(error) : resolve(result)));
  });

export const heard = <T>(client: Socket, event: string): Promise<T> =>
  new Promise((resolve) => client.once(event, resolve));
