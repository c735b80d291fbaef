import type { ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import { action, callOf, type ShopContext } from "../../lib/actions";
import { tooMany, unauthorized } from "../../lib/errors";
import { newId } from "../../lib/ids";
import type { Metrics } from "../../lib/metrics";
import { Strict, Type } from "../../lib/schema";
import type { Authentication, Verified } from "./authentication";
import type { Connections } from "./connections";
import { isAgent, type Outlet, roomsOf } from "./deliveries";
import type { GatewayRequest } from "./gateway";
import { EVENT_STREAM } from "./handle";
import type { Heads } from "./heads";
import type { LiveSessions } from "./socket-sessions";
import { EventStream } from "./stream";
import { missed } from "./stream-missed";
import { type StreamTickets, TICKET_SECONDS } from "./stream-tickets";

const MAX_PER_ACCOUNT = 20;

interface Parts {
  broker: ServiceBroker;
  authentication: Authentication;
  tickets: StreamTickets;
  sessions: LiveSessions;
  connections: Connections;
  heads: Heads;
  metrics: Metrics;
  logger: ServiceBroker["logger"];
}

/** The request that moleculer-web made the call for, and its answer. */
function exchangeOf(ctx: ShopContext): { req: GatewayRequest; res: ServerResponse } {
  const { req, res } = (ctx.options.parentCtx?.params ?? {}) as { req?: GatewayRequest; res?: ServerResponse };
  if (!req || !res) throw new Error("a stream is opened over HTTP only");
  return { req, res };
}

const verifiedOf = (req: GatewayRequest): Verified => {
  if (!req.$verified) throw unauthorized("UNAUTHENTICATED", "Sign in and send the access token.");
  return req.$verified;
};

/** Clients that listen by server-sent events. */
export function streams({ broker, authentication, tickets, sessions, connections, heads, metrics, logger }: Parts) {
  const rooms = new Map<string, Set<EventStream>>();
  const open = new Set<EventStream>();
  /** Those whose answer has not gone out to its end: more than `open` has. */
  const unfinished = new Set<EventStream>();
  const parts = { heads, missed: missed(callOf(broker)), logger };
  let stopMeasuring: (() => void) | undefined;
  let leaving = false;

  function register(stream: EventStream, res: ServerResponse): void {
    const { caller } = stream.verified;
    const connectionId = newId();
    const forget = sessions.add(stream);
    open.add(stream);
    unfinished.add(stream);
    res.once("close", () => {
      unfinished.delete(stream);
      stream.out.destroy();
    });
    for (const room of roomsOf(caller)) rooms.set(room, (rooms.get(room) ?? new Set()).add(stream));
    connections.add({ connectionId, userId: caller.id, agent: isAgent(caller) });
    stream.out.once("close", () => {
      forget();
      open.delete(stream);
      if (res.destroyed) unfinished.delete(stream);
      for (const room of roomsOf(caller)) {
        rooms.get(room)?.delete(stream);
        if (rooms.get(room)?.size === 0) rooms.delete(room);
      }
      connections.remove(connectionId);
    });
  }

  function openStream({ req, res }: ReturnType<typeof exchangeOf>, lastId: string | undefined): NodeJS.ReadableStream {
    const verified = verifiedOf(req);
    const mine = [...(rooms.get(`user:${verified.caller.id}`) ?? [])];
    if (mine.length >= MAX_PER_ACCOUNT)
      throw tooMany("TOO_MANY_CONNECTIONS", "This account has too many streams here.", 10);
    authentication.demandAlive(verified);
    const stream = new EventStream(parts, verified, res);
    register(stream, res);
    stream.begin(lastId).catch((error: unknown) => {
      logger.error({ err: error }, "a stream failed");
      stream.out.destroy();
    });
    if (leaving) stream.end("shutdown");
    return stream.out;
  }

  const outlet: Outlet = {
    emit(to, event, payload, volatile) {
      const [only, ...others] = to.map((room) => rooms.get(room)).filter((set) => set !== undefined);
      if (!only) return;
      const addressed = others.length > 0 ? new Set([only, ...others].flatMap((set) => [...set])) : [...only];
      for (const stream of addressed) stream.take(event, payload, volatile);
    },
  };

  return {
    outlet,
    actions: {
      stream: {
        ...action({
          rest: "GET /stream",
          access: "signed-in",
          summary:
            "Server-sent events: what sockets are told, for clients without one. `Last-Event-ID` resumes without a gap; " +
            "the event `resync` says where that is not possible and everything is to be loaded anew",
          params: Strict({
            ticket: Type.Optional(
              Type.String({ maxLength: 128, description: "in the place of a token, where no header can be sent" }),
            ),
            lastEventId: Type.Optional(
              Type.String({ maxLength: 8192, description: "in the place of the header `Last-Event-ID`" }),
            ),
          }),
          returns: Type.Unsafe<unknown>({ type: "string", description: "text/event-stream" }),
          errors: [
            [401, "BAD_TICKET"],
            [429, "TOO_MANY_CONNECTIONS"],
          ],
          handler(ctx) {
            const exchange = exchangeOf(ctx);
            const { req } = exchange;
            if (req.method === "HEAD") return null;
            ctx.meta.$responseHeaders = { "X-Accel-Buffering": "no", Connection: "close" };
            const header = req.headers["last-event-id"];
            return openStream(exchange, typeof header === "string" ? header : ctx.params.lastEventId);
          },
        }),
        responseType: EVENT_STREAM,
      },
      streamTicket: action({
        rest: "POST /stream/tickets",
        access: "signed-in",
        summary: `A ticket that opens one stream within ${TICKET_SECONDS} s, for a browser's EventSource`,
        params: Strict({}),
        returns: Type.Object({ ticket: Type.String(), expiresIn: Type.Integer({ description: "seconds" }) }),
        status: 201,
        handler(ctx) {
          const ticket = tickets.issue(verifiedOf(exchangeOf(ctx).req));
          ctx.meta.$location = `/api/v1/stream?ticket=${ticket}`;
          return { ticket, expiresIn: TICKET_SECONDS };
        },
      }),
    },

    start(): void {
      stopMeasuring = metrics.streams.measure({}, () => open.size);
    },

    /** Those that are open end, as do those that come from now on. */
    leave(): void {
      leaving = true;
      for (const stream of [...open]) stream.end("shutdown");
    },

    /** Takes streams again. */
    stay(): void {
      leaving = false;
    },

    stop(): void {
      stopMeasuring?.();
    },

    /** How many have not been read to the end. */
    unfinished: () => unfinished.size,

    /** Lets go of those. */
    cut(): void {
      for (const stream of [...unfinished]) stream.cut();
    },
  };
}
