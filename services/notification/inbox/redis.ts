import Redis from "ioredis";
import { unavailable } from "../../../lib/errors";
import { within } from "../../../lib/time";
import { KEEP, KEEP_MS, type Notification, oldestKept } from "../notification";
import type { Inbox, InboxQuery } from "./inbox";

/** Milliseconds that a start waits for Redis. */
const CONNECT_MS = 1000;

/** KEYS: a user's ids (all with the same score, so that they sort as text), and what they stand for. */
const ADD = `
local ids, items = KEYS[1], KEYS[2]
local id, item, keep, oldest, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
if redis.call('HSETNX', items, id, item) == 0 then return 0 end
redis.call('ZADD', ids, 0, id)
local gone = redis.call('ZRANGEBYLEX', ids, '-', '(' .. oldest)
local over = redis.call('ZCARD', ids) - #gone - keep
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', ids, #gone, #gone + over - 1)) do gone[#gone + 1] = old end
end
local added = 1
for _, old in ipairs(gone) do
  redis.call('ZREM', ids, old)
  redis.call('HDEL', items, old, old .. ':read')
  if old == id then added = 0 end
end
redis.call('PEXPIRE', ids, ttl)
redis.call('PEXPIRE', items, ttl)
return added
`;

const LIST = `
local ids, items = KEYS[1], KEYS[2]
local before, oldest, limit, unread = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local found = {}
for _, id in ipairs(redis.call('ZREVRANGEBYLEX', ids, before, '[' .. oldest)) do
  if #found >= limit * 2 then break end
  local item = redis.call('HMGET', items, id, id .. ':read')
  if item[1] and not (unread and item[2]) then
    found[#found + 1] = item[1]
    found[#found + 1] = item[2] or ''
  end
end
return found
`;

const READ = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return {} end
redis.call('HSETNX', KEYS[1], ARGV[1] .. ':read', ARGV[2])
return redis.call('HMGET', KEYS[1], ARGV[1], ARGV[1] .. ':read')
`;

const READ_ALL = `
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('HSETNX', KEYS[2], id .. ':read', ARGV[1])
end
`;

interface Scripts {
  inboxAdd(ids: string, items: string, ...args: (string | number)[]): Promise<number>;
  inboxList(ids: string, items: string, ...args: (string | number)[]): Promise<string[]>;
  inboxRead(items: string, ...args: string[]): Promise<string[]>;
  inboxReadAll(ids: string, items: string, at: string): Promise<null>;
}

function toNotification(item: string, readAt: string): Notification {
  const notification = JSON.parse(item) as Notification;
  return readAt === "" ? notification : { ...notification, readAt };
}

/** Inboxes in Redis: each user's is a sorted set of ids and a hash of items, changed together by scripts. */
export class RedisInbox implements Inbox {
  private readonly redis: Redis & Scripts;
  private readonly prefix: string;

  constructor(url: string, namespace: string) {
    this.prefix = `${namespace}-inbox:`;
    const redis = new Redis(url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 1000,
      retryStrategy: (times) => Math.min(times * 100, 1000),
      lazyConnect: true,
    });
    // Without a listener an outage of Redis would end the process; each call says itself that it failed.
    redis.on("error", () => undefined);
    redis.defineCommand("inboxAdd", { numberOfKeys: 2, lua: ADD });
    redis.defineCommand("inboxList", { numberOfKeys: 2, lua: LIST });
    redis.defineCommand("inboxRead", { numberOfKeys: 1, lua: READ });
    redis.defineCommand("inboxReadAll", { numberOfKeys: 2, lua: READ_ALL });
    this.redis = redis as Redis & Scripts;
  }

  async add(userId: string, { readAt: _, ...item }: Notification): Promise<boolean> {
    const args = [item.id, JSON.stringify(item), KEEP, oldestKept(), KEEP_MS];
    return (await this.ask(() => this.redis.inboxAdd(...this.keys(userId), ...args))) === 1;
  }

  async list(userId: string, { unread, beforeId, limit }: InboxQuery): Promise<Notification[]> {
    const args = [beforeId === undefined ? "+" : `(${beforeId}`, oldestKept(), limit, unread ? 1 : 0];
    const found = await this.ask(() => this.redis.inboxList(...this.keys(userId), ...args));
    const listed: Notification[] = [];
    for (let at = 0; at < found.length; at += 2) listed.push(toNotification(found[at] ?? "", found[at + 1] ?? ""));
    return listed;
  }

  async read(userId: string, id: string, at: string): Promise<Notification | null> {
    const [, items] = this.keys(userId);
    const [item, readAt = ""] = await this.ask(() => this.redis.inboxRead(items, id, at));
    return item === undefined ? null : toNotification(item, readAt);
  }

  async readAll(userId: string, at: string): Promise<void> {
    await this.ask(() => this.redis.inboxReadAll(...this.keys(userId), at));
  }

  async erase(userId: string): Promise<void> {
    await this.ask(() => this.redis.del(...this.keys(userId)));
  }

  /** The keys of whoever gets nothing more expire by themselves, and what is too old goes with the next that is added. */
  async forget(): Promise<void> {}

  async ping(): Promise<void> {
    await this.redis.ping();
  }

  /** A node starts without Redis, too. */
  async open(): Promise<void> {
    await within(CONNECT_MS, () => this.redis.connect()).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }

  /** The braces keep a user's two keys on one node of a Redis cluster. */
  private keys(userId: string): [ids: string, items: string] {
    return [`${this.prefix}{${userId}}:ids`, `${this.prefix}{${userId}}:items`];
  }

  private async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      throw Object.assign(unavailable("INBOX_UNAVAILABLE", "Notifications cannot be reached at the moment.", 2), {
        cause: error,
      });
    }
  }
}
