import { setImmediate } from "node:timers/promises";
import type { Server, Socket } from "socket.io";

/** What a client may leave unread before it is let go; it catches up by sequence numbers when it is back. */
const MAX_UNREAD_PACKETS = 1000;
const MAX_UNREAD_BYTES = 1024 * 1024;
/** How long a client may read nothing of what it asked for. */
const STALLED_MS = 30_000;

/** What carries a client's socket: Engine.IO's, which may be there without one. */
export type Transport = Socket["conn"];

/** What Engine.IO keeps to itself. */
interface Inner {
  readyState: "opening" | "open" | "closing" | "closed";
  writeBuffer: { data?: string | Buffer }[];
  transport: Transport["transport"] & { socket?: { terminate?(): void } };
}
const innerOf = (conn: Transport) => conn as unknown as Inner;

/** All that there are, with a socket or without. */
export const transportsOf = (server: Server): Transport[] =>
  Object.values((server.engine as unknown as { clients: Record<string, Transport> }).clients);

/** Whether a client has left more unread than it may. */
export function isBehind(conn: Transport): boolean {
  const { writeBuffer } = innerOf(conn);
  if (writeBuffer.length === 0) return false;
  if (writeBuffer.length > MAX_UNREAD_PACKETS) return true;
  return writeBuffer.reduce((sum, { data }) => sum + (data?.length ?? 0), 0) > MAX_UNREAD_BYTES;
}

/** Closes without waiting for a client that may read nothing; ws would wait for its part of the closing for 30 s. */
export function cut(conn: Transport): void {
  conn.close(true);
  innerOf(conn).transport.socket?.terminate?.();
}

/**
 * Gives long answers to a connection one by one: each call resolves when all is on its way that was to be sent, or when the
 * connection is gone. One that takes nothing for long is cut.
 */
export function paced(conn: Transport): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    const turn = last.then(() => whenRead(conn));
    // Until the answer is written that had its turn, there would seem to be room for the next.
    last = turn.then(() => setImmediate());
    return turn;
  };
}

async function whenRead(conn: Transport): Promise<void> {
  const inner = innerOf(conn);
  while (inner.readyState === "open" && !(inner.transport.writable && inner.writeBuffer.length === 0))
    await progress(conn, inner.transport);
}

/** Resolves when a client has taken something, or is gone. */
async function progress(conn: Transport, transport: Inner["transport"]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stalled = setTimeout(() => cut(conn), STALLED_MS).unref();
  const taken = () => resolve();
  transport.once("ready", taken);
  conn.once("upgrade", taken).once("close", taken);
  await promise;
  clearTimeout(stalled);
  transport.off("ready", taken);
  conn.off("upgrade", taken).off("close", taken);
}
