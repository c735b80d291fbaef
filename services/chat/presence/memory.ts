import type { Connection, Presence } from "./presence";

/** Presence of the clients of one process. */
export class MemoryPresence implements Presence {
  /** By user: when each connection's lease ends. */
  private readonly users = new Map<string, Map<string, number>>();

  /** `leaseMs`: how long a lease lives, in milliseconds. */
  constructor(private readonly leaseMs: number) {}

  async renew(connections: Connection[]): Promise<string[]> {
    const until = Date.now() + this.leaseMs;
    const came = new Set<string>();
    for (const { connectionId, userId } of connections) {
      const leases = this.users.get(userId) ?? new Map<string, number>();
      if (leases.size === 0) came.add(userId);
      this.users.set(userId, leases.set(connectionId, until));
    }
    return [...came];
  }

  async end({ connectionId, userId }: Connection): Promise<boolean> {
    const leases = this.users.get(userId);
    return leases?.delete(connectionId) === true && this.gone(userId, leases);
  }

  async reap(): Promise<string[]> {
    const now = Date.now();
    const went: string[] = [];
    for (const [userId, leases] of this.users) {
      for (const [connectionId, until] of leases) if (until <= now) leases.delete(connectionId);
      if (this.gone(userId, leases)) went.push(userId);
    }
    return went;
  }

  async online(userIds: string[]): Promise<Set<string>> {
    return new Set(userIds.filter((userId) => this.users.has(userId)));
  }

  /** How many leases and users are kept, also those that nobody reaped yet. */
  async size(): Promise<{ leases: number; users: number }> {
    const leases = [...this.users.values()].reduce((sum, { size }) => sum + size, 0);
    return { leases, users: this.users.size };
  }

  async close(): Promise<void> {
    this.users.clear();
  }

  private gone(userId: string, leases: Map<string, number>): boolean {
    return leases.size === 0 && this.users.delete(userId);
  }
}
