import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";

const LOOK_MS = 10;
/** For requests that are on their way over connections that are there. */
const LINGER_MS = 300;
/** What is in flight has; the process has ten seconds in all. */
const LAST_ANSWERS_MS = 6000;

/** Resolves when all that this node hosts can be called, or `isOver`. */
export async function hostsAll(broker: ServiceBroker, isOver: () => boolean): Promise<void> {
  const isCallable = (name: string) => broker.registry.hasService(name, broker.nodeID);
  while (!isOver() && !broker.services.every(({ fullName }) => isCallable(fullName))) await delay(LOOK_MS);
}

export function listen(server: Server, port: number, ip: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, ip, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/**
 * Takes no more connections, and answers what comes over those that are there, for a moment where clients are to `linger`:
 * one that sends has no way to know that nobody listens any more, and Node's own `close` would cut it at once.
 */
export async function lastAnswers(server: Server, linger: boolean): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    NetServer.prototype.close.call(server, () => resolve());
  });
  if (linger) await Promise.race([closed, delay(LINGER_MS)]);
  const idle = setInterval(() => server.closeIdleConnections(), LOOK_MS);
  await Promise.race([closed, delay(LAST_ANSWERS_MS, undefined, { ref: false })]);
  clearInterval(idle);
  server.closeAllConnections();
}
