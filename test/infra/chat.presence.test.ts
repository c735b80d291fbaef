import Redis from "ioredis";
import { newId } from "../../lib/ids";
import type { Presence } from "../../services/chat/presence/presence";
import { RedisPresence } from "../../services/chat/presence/redis";
import { Tracker } from "../../services/chat/presence/tracker";
import { presenceContract } from "../integration/chat.presence.contract";
import { eventually } from "../integration/node";
import { withServers } from "./servers";

withServers(["redis"], "presence in Redis", (env) => {
  const url = env.REDIS_URL ?? "";
  const ready = (namespace: string, leaseMs: number) =>
    new Promise<RedisPresence>((resolve) => {
      const presence: RedisPresence = new RedisPresence(url, namespace, leaseMs, () => resolve(presence));
    });

  describe("of two nodes", () => {
    presenceContract((leaseMs) => {
      const namespace = newId();
      return Promise.all([ready(namespace, leaseMs), ready(namespace, leaseMs)]);
    });
  });

  test("lives on while nodes of the chat come and go", async () => {
    const namespace = newId();
    const first = await ready(namespace, 60_000);
    await first.renew([{ userId: "kim", connectionId: "c" }]);
    await first.close();
    const second = await ready(namespace, 60_000);
    expect(await second.online(["kim"])).toEqual(new Set(["kim"]));
    await second.close();
  });

  test("keys that nobody looks after end by themselves", async () => {
    const namespace = newId();
    const presence = await ready(namespace, 100);
    const redis = new Redis(url);
    await presence.renew([{ userId: "kim", connectionId: "c" }]);
    await eventually(async () => (await redis.exists(`${namespace}-presence:user:kim`)) === 0);
    expect(await presence.reap()).toEqual(["kim"]);
    expect(await redis.keys(`${namespace}-presence:*`)).toEqual([]);
    redis.disconnect();
    await presence.close();
  });

  test("that cannot be reached throws at nobody: who comes is online", async () => {
    const changed = jest.fn(async () => undefined);
    const logger = { warn: jest.fn(), info: jest.fn() };
    const presence: Presence = new RedisPresence("redis://127.0.0.1:1", newId(), 60_000, () => tracker.returned());
    const tracker = new Tracker({ presence, leaseMs: 60_000, logger: logger as never, changed });
    await tracker.connect({ userId: "kim", connectionId: "c" });
    await tracker.disconnect({ userId: "kim", connectionId: "c" });
    await tracker.reap();
    expect(changed.mock.calls).toEqual([["kim", true]]);
    expect(logger.warn).toHaveBeenCalledTimes(1);
    await presence.close();
  });
});
