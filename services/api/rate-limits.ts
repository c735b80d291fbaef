import Redis from "ioredis";
import { type IRateLimiterOptions, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Caller } from "../../lib/actions";
import { type ShopError, tooMany } from "../../lib/errors";
import type { Metrics } from "../../lib/metrics";
import type { DeclaredAction } from "../../mixins/middleware";
import { addressGroup } from "./request";

type Limiter = RateLimiterMemory | RateLimiterRedis;

const LIMITS = {
  read: { points: 600, duration: 60 },
  write: { points: 120, duration: 60 },
  /** Failures, over all accounts that an address tries; `auth` counts by account and address, more strictly. */
  credentials: { points: 100, duration: 15 * 60 },
};

/** Counts in Redis for all gateways where there is one; without it, or while it is away, each gateway on its own. */
export class RateLimits {
  private readonly redis: Redis | undefined;
  private readonly limiters: Record<keyof typeof LIMITS, Limiter>;

  constructor(
    redisUrl: string | undefined,
    private readonly namespace: string,
    private readonly general: boolean,
    private readonly metrics: Metrics,
  ) {
    this.redis = redisUrl
      ? new Redis(redisUrl, { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 500 })
      : undefined;
    // Without a listener an outage of Redis would end the process; the insurance limiter takes over meanwhile.
    this.redis?.on("error", () => undefined);
    this.limiters = {
      read: this.limiter("read"),
      write: this.limiter("write"),
      credentials: this.limiter("credentials"),
    };
  }

  /** Counts a request; throws 429 when its account, or without one its address, has used up its minute. */
  async admit(method: string | undefined, caller: Caller | undefined, address: string): Promise<void> {
    if (!this.general) return;
    const kind = method === "GET" || method === "HEAD" ? "read" : "write";
    await this.consume(kind, caller ? `account:${caller.id}` : `address:${addressGroup(address)}`);
  }

  /** Throws 429 where the address failed too often at what guards passwords and codes. */
  async admitCredentials(action: DeclaredAction, address: string): Promise<void> {
    if (action.limit !== "credentials") return;
    const spent = await this.limiters.credentials.get(addressGroup(address));
    if (spent && spent.consumedPoints > LIMITS.credentials.points) throw this.refuse("credentials", spent);
  }

  async countFailure(action: DeclaredAction | undefined, error: ShopError, address: string): Promise<void> {
    if (action?.limit !== "credentials" || ![400, 401, 403].includes(error.code)) return;
    await this.limiters.credentials.penalty(addressGroup(address), 1);
  }

  async close(): Promise<void> {
    this.redis?.disconnect();
  }

  private limiter(kind: keyof typeof LIMITS): Limiter {
    const options: IRateLimiterOptions = { keyPrefix: `${this.namespace}-limit:${kind}`, ...LIMITS[kind] };
    const insuranceLimiter = new RateLimiterMemory(options);
    if (!this.redis) return insuranceLimiter;
    return new RateLimiterRedis({ ...options, storeClient: this.redis, rejectIfRedisNotReady: true, insuranceLimiter });
  }

  private async consume(kind: keyof typeof LIMITS, key: string): Promise<void> {
    try {
      await this.limiters[kind].consume(key);
    } catch (error) {
      throw error instanceof RateLimiterRes ? this.refuse(kind, error) : error;
    }
  }

  private refuse(kind: string, { msBeforeNext }: RateLimiterRes): ShopError {
    this.metrics.rateLimited.inc({ limit: kind });
    return tooMany("RATE_LIMITED", "Too many requests. Wait before the next.", Math.ceil(msBeforeNext / 1000));
  }
}
