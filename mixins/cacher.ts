import { type BrokerOptions, Cachers } from "moleculer";

/** Redis as a cache that may be away: then every read misses and nothing waits for it. */
export class LenientRedisCacher extends Cachers.Redis {
  override async get(key: string): Promise<Record<string, unknown> | null> {
    try {
      return await super.get(key);
    } catch (error) {
      this.logger.debug("the cache did not answer", error);
      // What Moleculer takes for "not there"; null would be an answer.
      return this.opts.missingResponse as null;
    }
  }

  /** Without a farewell: a client that cannot reach its server would try to for ever, and the process with it. */
  override async close(): Promise<void> {
    this.client.disconnect();
  }

  override async set(key: string, data: unknown, ttl?: number): Promise<void> {
    try {
      await super.set(key, data, ttl);
    } catch (error) {
      this.logger.debug("the cache did not answer", error);
    }
  }
}

/** The cache that the environment chose. */
export function cacherFor(redisUrl: string | undefined, namespace: string): BrokerOptions["cacher"] {
  if (!redisUrl) return { type: "MemoryLRU", options: { ttl: 30, max: 5000, clone: false } };
  const redis = { lazyConnect: false, enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 500 };
  return new LenientRedisCacher({
    prefix: `${namespace}-cache:`,
    ttl: 30,
    redis: { ...parse(redisUrl), ...redis },
  } as never);
}

/** Moleculer gives its `redis` option to ioredis as one argument, so the address has to be taken apart. */
function parse(redisUrl: string) {
  const { hostname, port, username, password, pathname, protocol } = new URL(redisUrl);
  return {
    host: hostname,
    port: Number(port || 6379),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
    ...(protocol === "rediss:" && { tls: {} }),
  };
}
