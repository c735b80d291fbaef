import type { ServiceBroker } from "moleculer";
import type { Connection, Presence } from "./presence";

interface Parts {
  presence: Presence;
  /** How long a lease lives, in milliseconds. */
  leaseMs: number;
  logger: ServiceBroker["logger"];
  /** A user came or went. */
  changed: (userId: string, online: boolean) => Promise<unknown>;
}

/**
 * Presence for a service that goes on without it: while it is away, who comes counts as online, who was online stays so,
 * and gateways renew the leases once it is back.
 */
export class Tracker {
  private away = false;
  /** Gateways have not had the time yet to renew what was lost: until then nobody counts as gone. */
  private unsettledUntil = 0;

  constructor(private readonly parts: Parts) {}

  /** Presence is back, perhaps without what it knew. */
  returned = (): void => {
    this.unsettledUntil = Date.now() + this.parts.leaseMs;
  };

  async connect(connection: Connection): Promise<void> {
    const came = await this.ask((presence) => presence.renew([connection]));
    await this.tell(came ?? [connection.userId], true);
  }

  async disconnect(connection: Connection): Promise<void> {
    if (await this.ask((presence) => presence.end(connection))) await this.tell([connection.userId], false);
  }

  async renew(connections: Connection[]): Promise<void> {
    await this.tell((await this.ask((presence) => presence.renew(connections))) ?? [], true);
  }

  /** Ends what was not renewed. Two nodes may do so at once. */
  async reap(): Promise<void> {
    if (this.isUnsettled()) return;
    await this.tell((await this.ask((presence) => presence.reap())) ?? [], false);
  }

  /** Which of these are online; undefined while that is not known. */
  async online(userIds: string[]): Promise<Set<string> | undefined> {
    return this.isUnsettled() ? undefined : this.ask((presence) => presence.online(userIds));
  }

  private isUnsettled(): boolean {
    return Date.now() < this.unsettledUntil;
  }

  private async ask<T>(question: (presence: Presence) => Promise<T>): Promise<T | undefined> {
    const { presence, logger } = this.parts;
    try {
      const answer = await question(presence);
      if (this.away) logger.info("presence is known again");
      this.away = false;
      return answer;
    } catch (error) {
      if (!this.away) logger.warn({ err: error }, "presence is away: who was online counts as online");
      this.away = true;
      this.returned();
      return undefined;
    }
  }

  private async tell(userIds: string[], online: boolean): Promise<void> {
    for (const userId of userIds) await this.parts.changed(userId, online);
  }
}
