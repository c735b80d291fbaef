import type { Metrics } from "../../lib/metrics";
import { cut, isBehind, type Transport } from "./socket-transport";

/** Handshakes in vain that a connection may come to, one after the other. */
const MAX_IN_VAIN = 5;
/** What a client has to come back over a connection whose socket it left. */
const GRACE_MS = 5000;
/** What one that is closed has to read why. */
const LEAVE_MS = 500;

const CONNECT = "0";

type Reason = "behind" | "refused" | "idle" | "handshakes";

/** Closes connections that cost more than their sockets are worth. */
export class SocketGuard {
  private readonly inVain = new WeakMap<Transport, number>();
  private readonly leaving = new WeakMap<Transport, NodeJS.Timeout>();

  constructor(private readonly metrics: Metrics) {}

  /** Counts all handshakes that are tried, of which Socket.IO answers some itself. */
  watch(conn: Transport): void {
    conn.on("data", (packet: unknown) => {
      if (typeof packet !== "string" || !packet.startsWith(CONNECT)) return;
      const tried = (this.inVain.get(conn) ?? 0) + 1;
      this.inVain.set(conn, tried);
      if (tried > MAX_IN_VAIN) this.cut(conn, "handshakes");
    });
    conn.once("close", () => clearTimeout(this.leaving.get(conn)));
  }

  /** One has got its socket. */
  connected(conn: Transport): void {
    this.inVain.delete(conn);
    clearTimeout(this.leaving.get(conn));
  }

  /** One has lost its socket. */
  left(conn: Transport): void {
    if (conn.readyState === "open") this.leaving.set(conn, setTimeout(() => this.cut(conn, "idle"), GRACE_MS).unref());
  }

  /** Whether it was closed for what its client had left unread. */
  letGo(conn: Transport): boolean {
    if (!isBehind(conn)) return false;
    this.cut(conn, "behind");
    return true;
  }

  /** Closes one whose client heeds no refusal; it has the last one to read. */
  refuse(conn: Transport): void {
    this.metrics.socketsCut.inc({ reason: "refused" });
    conn.close();
    setTimeout(() => cut(conn), LEAVE_MS).unref();
  }

  private cut(conn: Transport, reason: Reason): void {
    if (conn.readyState !== "open") return;
    this.metrics.socketsCut.inc({ reason });
    cut(conn);
  }
}
