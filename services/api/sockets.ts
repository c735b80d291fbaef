import type { IncomingMessage } from "node:http";
import type { ServiceBroker } from "moleculer";
import type { Server, ServerOptions, Socket } from "socket.io";
import type { Environment } from "../../lib/environment";
import { conflict, forbidden, invalid, type ShopError, tooMany, unauthorized } from "../../lib/errors";
import { newId } from "../../lib/ids";
import type { Metrics } from "../../lib/metrics";
import { within } from "../../lib/time";
import type { Authentication, Verified } from "./authentication";
import type { Connections } from "./connections";
import { isAgent, type Outlet, roomsOf } from "./deliveries";
import { isLoopback, mayConnect } from "./origins";
import { toProblem, toPublicError } from "./problem";
import type { RateLimits } from "./rate-limits";
import { newCaller, type SocketCaller, socketCalls } from "./socket-calls";
import { SocketGuard } from "./socket-guard";
import type { Ending, Live, LiveSessions } from "./socket-sessions";
import { paced, type Transport, transportsOf } from "./socket-transport";

const MAX_MESSAGE_BYTES = 64 * 1024;
const PING_MS = 15_000;
const PONG_MS = 10_000;
const CONNECT_MS = 10_000;
const LOOK_MS = 500;
const MAX_PER_ACCOUNT = 200;
/** Of the 10 s that a node has to end, what calls that were taken get to be answered, and sockets to go. */
const ANSWER_MS = 2000;
const LEAVE_MS = 500;

interface Parts {
  broker: ServiceBroker;
  environment: Environment;
  authentication: Authentication;
  limits: RateLimits;
  metrics: Metrics;
  logger: ServiceBroker["logger"];
  sessions: LiveSessions;
  connections: Connections;
  addressOf: (req: IncomingMessage) => string;
}

interface SocketData {
  from: SocketCaller;
  live: Live;
}
type ShopSocket = Socket<Record<string, never>, Record<string, (payload: object) => void>, object, SocketData>;
type ShopServer = Server<Record<string, never>, Record<string, (payload: object) => void>, object, SocketData>;

/** An error as Socket.IO hands it to a client that was refused: `data` is the problem document. */
const refusal = (error: ShopError) => Object.assign(new Error(error.message), { data: toProblem(error, newId()) });

const tokenIn = (given: unknown): string => {
  const token = typeof given === "object" && given !== null && "token" in given ? given.token : undefined;
  return typeof token === "string" ? token : "";
};

/** Clients that are connected over Socket.IO: moleculer-io brings the server, and what it lets in is decided here. */
export function sockets(parts: Parts) {
  const { environment, authentication, limits, metrics, logger, sessions, connections, addressOf } = parts;
  const { corsOrigins } = environment;
  const take = socketCalls(parts);
  let io: ShopServer | undefined;
  let looking: NodeJS.Timeout | undefined;
  let leaving = false;
  /** Connections that have a socket, or are about to: a client could ask for any number of them over one. */
  const taken = new WeakSet<Transport>();
  const guard = new SocketGuard(metrics);
  const stopMeasuring: (() => void)[] = [];
  const all = (): ShopSocket[] => [...(io?.of("/").sockets.values() ?? [])];

  async function admit(socket: ShopSocket, next: (error?: Error) => void): Promise<void> {
    if (taken.has(socket.conn))
      return next(refusal(conflict("ALREADY_CONNECTED", "This connection has its socket already.")));
    taken.add(socket.conn);
    try {
      const token = tokenIn(socket.handshake.auth);
      if (!token) throw unauthorized("UNAUTHENTICATED", "Connect with an access token: auth: { token }.");
      const verified = await authentication.admit(token);
      if (environment.rateLimit && sessions.count(verified.caller.id) >= MAX_PER_ACCOUNT)
        throw tooMany("TOO_MANY_CONNECTIONS", "This account has too many connections here.", 10);
      await limits.admitCall("read", verified.caller.id, socket.id);
      socket.data.from = newCaller({
        socketId: socket.id,
        caller: verified.caller,
        clientIp: addressOf(socket.request),
        userAgent: socket.request.headers["user-agent"]?.slice(0, 256),
        isThere: () => socket.connected,
        whenRead: paced(socket.conn),
      });
      socket.data.live = { verified, end: (reason) => end(socket, reason) };
      next();
    } catch (error) {
      taken.delete(socket.conn);
      const shown = toPublicError(error);
      if (shown.code >= 500) logger.error({ err: error }, "a socket could not be let in");
      next(refusal(shown));
    }
  }

  function end(socket: ShopSocket, reason: Ending): void {
    socket.emit("session.ended", { reason });
    // Socket.IO's clients connect again by themselves when the transport closes, not when the server sends them away.
    if (reason === "shutdown") socket.conn.close();
    else socket.disconnect(true);
    setTimeout(() => socket.conn.close(true), LEAVE_MS).unref();
  }

  function connected(socket: ShopSocket): void {
    const { from, live } = socket.data;
    const forget = sessions.add(live);
    guard.connected(socket.conn);
    void socket.join(roomsOf(from.caller));
    connections.add({ connectionId: from.socketId, userId: from.caller.id, agent: isAgent(from.caller) });
    socket.once("disconnect", () => {
      taken.delete(socket.conn);
      guard.left(socket.conn);
      forget();
      connections.remove(from.socketId);
    });
    try {
      // It may have ended while the handshake went on, when there was nobody to tell.
      authentication.demandAlive(live.verified);
    } catch {
      end(socket, "expired");
    }
    if (leaving) end(socket, "shutdown");
  }

  /** A new token of the same user keeps the socket; other roles take effect at once. */
  async function renew(socket: ShopSocket, given: unknown): Promise<object> {
    const { from, live } = socket.data;
    const token = tokenIn(given);
    if (!token) throw invalid([{ path: "token", message: "is required" }]);
    const verified = await authentication.admit(token);
    if (verified.caller.id !== from.caller.id)
      throw forbidden("FORBIDDEN", "A socket stays with the account that it was opened for.");
    replace(socket, live, verified);
    return { expiresAt: new Date(verified.expiresAt * 1000).toISOString() };
  }

  function replace(socket: ShopSocket, live: Live, verified: Verified): void {
    const { from } = socket.data;
    const before = roomsOf(from.caller);
    const rooms = roomsOf(verified.caller);
    for (const room of before) if (!rooms.includes(room)) void socket.leave(room);
    void socket.join(rooms);
    live.verified = verified;
    from.caller = verified.caller;
    if (before.length !== rooms.length && socket.connected)
      connections.add({ connectionId: from.socketId, userId: from.caller.id, agent: isAgent(from.caller) });
  }

  async function onCall(socket: ShopSocket, args: unknown[]): Promise<void> {
    const callback = args.findLast((arg) => typeof arg === "function");
    const [name, params] = args.filter((arg) => typeof arg !== "function");
    const { from } = socket.data;
    if (guard.letGo(socket.conn)) return;
    const answer = await take(from, name, params ?? {}, (given) => renew(socket, given));
    // It may have stopped reading meanwhile.
    if (!socket.connected || guard.letGo(socket.conn)) return;
    if (callback) "error" in answer ? callback(answer.error) : callback(null, answer.result);
    if ("error" in answer && answer.error.status === 429 && from.refusals.isLast()) {
      logger.info({ user: from.caller.id }, "a socket went on asking too much");
      guard.refuse(socket.conn);
    }
  }

  const options: Partial<ServerOptions> = {
    path: "/socket.io",
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    pingInterval: PING_MS,
    pingTimeout: PONG_MS,
    connectTimeout: CONNECT_MS,
    allowRequest: (req, callback) => {
      if (!io) callback("starting", false);
      else if (mayConnect(req, corsOrigins)) callback(null, true);
      else callback("origin not allowed", false);
    },
    cors: {
      origin: (origin, callback) =>
        callback(null, origin && (corsOrigins.length > 0 ? corsOrigins.includes(origin) : isLoopback(origin))),
    },
  };

  const outlet: Outlet = {
    emit(rooms, event, payload, volatile) {
      const to = io?.to(rooms);
      (volatile ? to?.volatile : to)?.emit(event, payload);
    },
  };

  return {
    outlet,
    /** For moleculer-io. Its own way of calling trusts what an action leaves in `meta`; this one takes nothing back. */
    settings: {
      options,
      namespaces: {
        "/": {
          middlewares: [admit],
          events: {
            call(this: ShopSocket, ...args: unknown[]) {
              void onCall(this, args);
            },
          },
        },
      },
    },

    start(server: ShopServer): void {
      server.engine.on("connection", (conn: Transport) => guard.watch(conn));
      server.on("connection", connected);
      for (const transport of ["websocket", "polling"])
        stopMeasuring.push(
          metrics.sockets.measure(
            { transport },
            () => all().filter(({ conn }) => conn.transport.name === transport).length,
          ),
          metrics.socketTransports.measure(
            { transport },
            () => transportsOf(server).filter((conn) => conn.transport.name === transport).length,
          ),
        );
      looking = setInterval(() => {
        // Those that have no socket yet, too: each that is refused is told so.
        for (const conn of transportsOf(server)) guard.letGo(conn);
      }, LOOK_MS);
      io = server;
    },

    /** Calls that were taken are answered, then sockets are told and closed, as are those that come from now on. */
    async leave(): Promise<void> {
      leaving = true;
      const running = all().flatMap((socket) => [...socket.data.from.running]);
      await within(ANSWER_MS, () => Promise.all(running)).catch(() => undefined);
      if (leaving) for (const socket of all()) end(socket, "shutdown");
    },

    /** Takes sockets again. */
    stay(): void {
      leaving = false;
    },

    stop(): void {
      clearInterval(looking);
      for (const stop of stopMeasuring.splice(0)) stop();
    },
  };
}
