import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type { Server } from "socket.io";
import { callOf } from "../../lib/actions";
import { nodeOf } from "../../lib/node";
import type { Revocation } from "../auth/auth.contract";
import type { Delivery } from "./api.contract";
import type { Authentication, Verified } from "./authentication";
import { Connections } from "./connections";
import { deliver, type Outlet } from "./deliveries";
import type { GatewayRequest } from "./gateway";
import { Heads } from "./heads";
import type { RateLimits } from "./rate-limits";
import type { Revocations } from "./revocations";
import { LiveSessions } from "./socket-sessions";
import { sockets } from "./sockets";
import { StreamTickets } from "./stream-tickets";
import { streams } from "./streams";

/** How often a connection is renewed within the time after which chat counts it as gone. */
const RENEWALS = 3;
/** What clients that were told and do not go get before their connection is cut. */
const LEAVE_MS = 500;

interface Parts {
  broker: ServiceBroker;
  authentication: Authentication;
  limits: RateLimits;
  addressOf: (req: IncomingMessage) => string;
}

/** Clients that stay: over sockets and streams alike. */
export function liveClients({ broker, authentication, limits, addressOf }: Parts) {
  const { environment, metrics } = nodeOf(broker);
  const call = callOf(broker);
  const logger = broker.getLogger("live");
  const sessions = new LiveSessions();
  const connections = new Connections(call, logger, environment.chat.connectionMs / RENEWALS);
  const outlets: Outlet[] = [];
  const heads = new Heads(call, () => connections.users(), outlets, logger);
  const tickets = new StreamTickets(broker, call);
  const shared = { broker, environment, authentication, limits, metrics, logger, sessions, connections, addressOf };
  const overSockets = sockets(shared);
  const overStreams = streams({ ...shared, tickets, heads });
  outlets.push(overSockets.outlet, overStreams.outlet);
  const upgraded = new Set<Socket>();

  return {
    settings: overSockets.settings,
    actions: { ...tickets.actions, ...overStreams.actions },
    deliver: (delivery: Delivery) => deliver(outlets, delivery, () => connections.users()),
    revoked: (revocation: Revocation, revocations: Revocations) => sessions.revoked(revocation, revocations),

    /** Who opens a stream with a ticket; undefined where there is none. */
    async byTicket({ method, $action, query }: GatewayRequest): Promise<Verified | undefined> {
      if ($action?.name !== "api.stream" || typeof query.ticket !== "string") return undefined;
      const verified = await tickets.redeem(query.ticket, method === "HEAD");
      authentication.demandAlive(verified);
      return verified;
    },

    start(io: unknown, http: HttpServer): void {
      // An upgraded connection is no longer one of HTTP's, which would wait for it without end.
      http.on("upgrade", (_req, socket: Socket) => {
        upgraded.add(socket);
        socket.once("close", () => upgraded.delete(socket));
      });
      sessions.start();
      connections.start();
      heads.start();
      overStreams.start();
      overSockets.start(io as Server);
    },

    /** Sends everybody elsewhere while the gateway goes on. */
    async leave(): Promise<void> {
      await overSockets.leave();
      overStreams.leave();
    },

    /** Takes clients again. */
    stay(): void {
      overSockets.stay();
      overStreams.stay();
    },

    async close(): Promise<void> {
      heads.stop();
      sessions.stop();
      overSockets.stop();
      overStreams.stop();
      await overSockets.leave();
      overStreams.leave();
      await connections.close();
      for (let waited = 0; waited < LEAVE_MS && upgraded.size + overStreams.unfinished() > 0; waited += 20)
        await delay(20);
      for (const socket of upgraded) socket.destroy();
      overStreams.cut();
    },
  };
}
