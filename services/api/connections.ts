import type { ServiceBroker } from "moleculer";
import type { Call } from "../../lib/actions";
import { within } from "../../lib/time";

const RENEWED_AT_ONCE = 5000;
const FAREWELL_MS = 1500;

interface Connection {
  connectionId: string;
  userId: string;
  agent: boolean;
}

interface Entry {
  connection: Connection;
  /** Chat has heard that it came. */
  known: boolean;
  /** What chat is being told: one thing after the other, so that it never hears of the coming after the going. */
  telling: Promise<void>;
}

/**
 * Tells chat who is connected here. Chat may be away: a connection works all the same, and what chat has not heard it hears
 * with the next renewal; that a connection went it sees by the renewals that stay away.
 */
export class Connections {
  private readonly open = new Map<string, Entry>();
  private readonly farewells = new Set<Promise<void>>();
  private renewing: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: Call,
    private readonly logger: ServiceBroker["logger"],
    private readonly renewMs: number,
  ) {}

  start(): void {
    this.renewing = setInterval(() => void this.renew(), this.renewMs);
  }

  /** Takes the place of what was said of the same connection before. */
  add(connection: Connection): void {
    const telling = this.open.get(connection.connectionId)?.telling ?? Promise.resolve();
    const entry: Entry = { connection, known: false, telling };
    this.open.set(connection.connectionId, entry);
    this.introduce(entry);
  }

  remove(connectionId: string): void {
    const entry = this.open.get(connectionId);
    if (!entry) return;
    this.open.delete(connectionId);
    const { userId } = entry.connection;
    const farewell = entry.telling
      .then(() => this.tell(this.call("chat.disconnect", { connectionId, userId })))
      .then(() => void this.farewells.delete(farewell));
    this.farewells.add(farewell);
  }

  /** Who is connected here, each once. */
  users(): string[] {
    return [...new Set(Array.from(this.open.values(), ({ connection }) => connection.userId))];
  }

  async close(): Promise<void> {
    clearInterval(this.renewing);
    for (const connectionId of [...this.open.keys()]) this.remove(connectionId);
    await within(FAREWELL_MS, () => Promise.all(this.farewells)).catch(() => undefined);
  }

  private introduce(entry: Entry): void {
    entry.telling = entry.telling
      .then(() => this.tell(this.call("chat.connect", entry.connection)))
      .then((heard) => {
        entry.known = heard;
      });
  }

  private tell(told: Promise<unknown>): Promise<boolean> {
    return told.then(
      () => true,
      (error: unknown) => {
        this.logger.debug({ err: error }, "chat was not told of a connection");
        return false;
      },
    );
  }

  private async renew(): Promise<void> {
    const entries = [...this.open.values()];
    for (const entry of entries) if (!entry.known) this.introduce(entry);
    const connections = entries
      .filter(({ known }) => known)
      .map(({ connection: { connectionId, userId } }) => ({ connectionId, userId }));
    for (let first = 0; first < connections.length; first += RENEWED_AT_ONCE)
      await this.tell(this.call("chat.renew", { connections: connections.slice(first, first + RENEWED_AT_ONCE) }));
  }
}
