import type { ServiceBroker } from "moleculer";
import type { Call } from "../../lib/actions";
import { type Outlet, roomOf } from "./deliveries";

const EVERY_MS = 15_000;
const USERS_AT_ONCE = 1000;

/** Tells each connected user the last seq of their open conversations, so that a lost last message shows. */
export class Heads {
  private beating: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: Call,
    private readonly users: () => string[],
    private readonly outlets: Outlet[],
    private readonly logger: ServiceBroker["logger"],
    private readonly everyMs = EVERY_MS,
  ) {}

  start(): void {
    this.beating = setInterval(() => {
      this.tell().catch((error: unknown) => this.logger.debug({ err: error }, "chat did not say what is last"));
    }, this.everyMs);
  }

  stop(): void {
    clearInterval(this.beating);
  }

  /** Of one user. */
  async of(userId: string): Promise<Record<string, number>> {
    const { heads } = await this.call("chat.heads", { users: [userId] });
    return heads[userId] ?? {};
  }

  private async tell(): Promise<void> {
    const users = this.users();
    for (let first = 0; first < users.length; first += USERS_AT_ONCE) {
      const { heads } = await this.call("chat.heads", { users: users.slice(first, first + USERS_AT_ONCE) });
      for (const [userId, seqs] of Object.entries(heads))
        if (Object.keys(seqs).length > 0)
          for (const outlet of this.outlets) outlet.emit([roomOf(userId)], "chat.heads", seqs, false);
    }
  }
}
