import Redis from "ioredis";
import { type IRateLimiterOptions, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Caller } from "../../lib/actions";
import { clientGroup } from "../../lib/client-group";
import { type ShopError, tooMany } from "../../lib/errors";
import type { Metrics } from "../../lib/metrics";
import type { DeclaredAction } from "../../mixins/middleware";
import type { ApiSettings } from "./api.config";
import { isRead } from "./request";

type Limiter = RateLimiterMemory | RateLimiterRedis;
type Kind = keyof typeof LIMITS;

const LIMITS = {
  /** Points of these two are the configuration's. */
  read: { points: 0, duration: 60 },
  write: { points: 0, duration: 60 },
  /** Wrong passwords and codes, over all accounts that an address tries; `auth` counts by account and address. */
  failures: { points: 100, duration: 15 * 60 },
  /** What an address with more failures than that is left: right passwords still get in, guessing gets nowhere. */
  suspects: { points: 20, duration: 60 },
  /** One socket's, counted where it is connected. */
  socket: { points: 200, duration: 10 },
  /** A provider sends everything from a few addresses. */
  webhook: { points: 3000, duration: 60 },
};
const WRONG = ["BAD_CREDENTIALS", "WRONG_PASSWORD", "BAD_CODE", "BAD_REFRESH_TOKEN"];

/** Counts in Redis for all gateways where there is one; without it, or while it is away, each gateway on its own. */
export class RateLimits {
  private readonly redis: Redis | undefined;
  private readonly limiters: Record<Kind, Limiter>;
  private readonly insurances = {} as Record<Kind, RateLimiterMemory>;

  constructor(
    redisUrl: string | undefined,
    private readonly namespace: string,
    private readonly general: boolean,
    private readonly metrics: Metrics,
    private readonly settings: ApiSettings,
  ) {
    this.redis = redisUrl
      ? new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 500 })
      : undefined;
    // Without a listener an outage of Redis would end the process; the insurance limiter takes over meanwhile.
    this.redis?.on("error", () => undefined);
    const kinds = Object.keys(LIMITS) as Kind[];
    this.limiters = Object.fromEntries(kinds.map((kind) => [kind, this.limiter(kind)])) as Record<Kind, Limiter>;
  }

  /** Counts a request; throws 429 when its account, or without one its address, has used up its minute. */
  async admit(action: DeclaredAction, method: string | undefined, caller: Caller | undefined, address: string) {
    if (action.limit === "credentials") await this.admitSuspect(address);
    if (!this.general || action.limit === "none") return;
    const kind = action.limit === "webhook" ? "webhook" : isRead(method) ? "read" : "write";
    await this.consume(kind, caller ? `account:${caller.id}` : `address:${clientGroup(address)}`);
  }

  /** Counts a call over a socket, for the socket and for its account. */
  async admitCall(kind: "read" | "write", accountId: string, socketId: string): Promise<void> {
    if (!this.general) return;
    await this.consume("socket", socketId);
    await this.consume(kind, `account:${accountId}`);
  }

  /** Counts a wrong password or code against its address. */
  async countFailure(action: DeclaredAction | undefined, error: ShopError, address: string): Promise<void> {
    if (action?.limit === "credentials" && WRONG.includes(error.type))
      await this.limiters.failures.penalty(clientGroup(address), 1);
  }

  private async admitSuspect(address: string): Promise<void> {
    const failures = await this.limiters.failures.get(clientGroup(address));
    if (failures && failures.consumedPoints > LIMITS.failures.points)
      await this.consume("suspects", clientGroup(address));
  }

  async close(): Promise<void> {
    this.redis?.disconnect();
  }

  private limiter(kind: Kind): Limiter {
    const options: IRateLimiterOptions = { keyPrefix: `${this.namespace}-limit:${kind}`, ...LIMITS[kind] };
    const insuranceLimiter = new RateLimiterMemory(options);
    this.insurances[kind] = insuranceLimiter;
    if (!this.redis || kind === "socket") return insuranceLimiter;
    return new RateLimiterRedis({ ...options, storeClient: this.redis, rejectIfRedisNotReady: true, insuranceLimiter });
  }

  private current(kind: Kind): Limiter {
    const limiter = this.limiters[kind];
    if (kind !== "read" && kind !== "write") return limiter;
    const points = kind === "read" ? this.settings.reads : this.settings.writes;
    limiter.points = points;
    this.insurances[kind].points = points;
    return limiter;
  }

  private async consume(kind: Kind, key: string): Promise<void> {
    try {
      await this.current(kind).consume(key);
    } catch (error) {
      throw error instanceof RateLimiterRes ? this.refuse(kind, error) : error;
    }
  }

  private refuse(kind: string, { msBeforeNext }: RateLimiterRes): ShopError {
    this.metrics.rateLimited.inc({ limit: kind });
    return tooMany("RATE_LIMITED", "Too many requests. Wait before the next.", Math.ceil(msBeforeNext / 1000));
  }
}
