import Redis from "ioredis";
import type { Connection, Presence } from "./presence";

/** Connections that one script prolongs: others wait for Redis meanwhile. */
const AT_ONCE = 500;
/** Users whose leases one script looks at. */
const REAPED_AT_ONCE = 200;

/** Redis' own clock: those of nodes differ. */
const CLOCK = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`;

/** Of one user: ends leases that are over; answers 1 where none is left and the user was online. */
const SETTLE = `
local function settle(user)
  local leases = KEYS[2] .. user
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  local last = redis.call('ZREVRANGE', leases, 0, 0, 'WITHSCORES')
  if last[1] then
    redis.call('ZADD', KEYS[1], last[2], user)
    return 0
  end
  return redis.call('ZREM', KEYS[1], user)
end
`;

const RENEW = `${CLOCK}
local lease = tonumber(ARGV[1])
local came = {}
for i = 2, #ARGV, 2 do
  local user = ARGV[i]
  redis.call('ZADD', KEYS[2] .. user, now + lease, ARGV[i + 1])
  redis.call('PEXPIRE', KEYS[2] .. user, lease * 2)
  if redis.call('ZADD', KEYS[1], now + lease, user) == 1 then came[#came + 1] = user end
end
return came
`;

const END = `${CLOCK}${SETTLE}
if redis.call('ZREM', KEYS[2] .. ARGV[1], ARGV[2]) == 0 then return 0 end
return settle(ARGV[1])
`;

const REAP = `${CLOCK}${SETTLE}
local went = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  if settle(user) == 1 then went[#went + 1] = user end
end
return went
`;

interface Scripts {
  presenceRenew(users: string, leases: string, ...args: (string | number)[]): Promise<string[]>;
  presenceEnd(users: string, leases: string, ...args: string[]): Promise<number>;
  presenceReap(users: string, leases: string, limit: number): Promise<string[]>;
}

/**
 * Presence in Redis: each user's leases are a sorted set by their ends, and all who are online are another, by the end of
 * the last lease. Scripts change both at once, so that of two nodes that reap one tells of it.
 */
export class RedisPresence implements Presence {
  private readonly redis: Redis & Scripts;
  private readonly users: string;
  private readonly leases: string;

  /** `leaseMs`: how long a lease lives, in milliseconds. `returned` is called when Redis is there, at first and again. */
  constructor(
    url: string,
    namespace: string,
    private readonly leaseMs: number,
    returned: () => void,
  ) {
    this.users = `${namespace}-presence:online`;
    this.leases = `${namespace}-presence:user:`;
    const redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 1000,
      retryStrategy: (times) => Math.min(times * 100, 1000),
    });
    // Without a listener an outage of Redis would end the process; each call says itself that it failed.
    redis.on("error", () => undefined);
    redis.on("ready", returned);
    redis.defineCommand("presenceRenew", { numberOfKeys: 2, lua: RENEW });
    redis.defineCommand("presenceEnd", { numberOfKeys: 2, lua: END });
    redis.defineCommand("presenceReap", { numberOfKeys: 2, lua: REAP });
    this.redis = redis as Redis & Scripts;
  }

  async renew(connections: Connection[]): Promise<string[]> {
    const came: string[] = [];
    for (let start = 0; start < connections.length; start += AT_ONCE) {
      const some = connections.slice(start, start + AT_ONCE);
      const args = some.flatMap(({ userId, connectionId }) => [userId, connectionId]);
      came.push(...(await this.redis.presenceRenew(this.users, this.leases, this.leaseMs, ...args)));
    }
    return came;
  }

  async end({ userId, connectionId }: Connection): Promise<boolean> {
    return (await this.redis.presenceEnd(this.users, this.leases, userId, connectionId)) === 1;
  }

  /** Those beyond the first so many it leaves to the next time. */
  reap(): Promise<string[]> {
    return this.redis.presenceReap(this.users, this.leases, REAPED_AT_ONCE);
  }

  async online(userIds: string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const scores = await this.redis.zmscore(this.users, ...userIds);
    return new Set(userIds.filter((_, index) => scores[index] !== null));
  }

  /** How many leases and users are kept, also those that nobody reaped yet. */
  async size(): Promise<{ leases: number; users: number }> {
    let leases = 0;
    for await (const keys of this.redis.scanStream({ match: `${this.leases}*`, count: 1000 }))
      for (const key of keys as string[]) leases += await this.redis.zcard(key);
    return { leases, users: await this.redis.zcard(this.users) };
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }
}
