import { newId } from "../../lib/ids";
import { MongoStore } from "../../lib/store/mongo";
import { RedisInbox } from "../../services/notification/inbox/redis";
import { StoredInbox } from "../../services/notification/inbox/stored";
import { aNotification, inboxContract } from "../integration/inbox.contract";
import { withServers } from "./servers";

withServers(["redis"], "an inbox in Redis", (env) => {
  inboxContract(async () => {
    const inbox = new RedisInbox(env.REDIS_URL ?? "", env.NAMESPACE ?? "");
    await inbox.open();
    return inbox;
  });

  test("answers 503 while Redis is away", async () => {
    const inbox = new RedisInbox("redis://127.0.0.1:1", "away");
    await inbox.open();
    const query = { unread: false, limit: 1 };
    await expect(inbox.list(newId(), query)).rejects.toMatchObject({ code: 503, data: { retryAfter: 2 } });
    await expect(inbox.ping()).rejects.toThrow();
    await inbox.close();
  });

  test("is the same on every node", async () => {
    const [one, other] = [1, 2].map(() => new RedisInbox(env.REDIS_URL ?? "", env.NAMESPACE ?? ""));
    if (!one || !other) throw new Error("two");
    await Promise.all([one.open(), other.open()]);
    const userId = newId();
    const added = await Promise.all([one, other].map((inbox) => inbox.add(userId, aNotification(1))));
    expect(added.filter(Boolean)).toHaveLength(1);
    await one.readAll(userId, new Date().toISOString());
    expect(await other.list(userId, { unread: true, limit: 5 })).toEqual([]);
    expect(await other.list(userId, { unread: false, limit: 5 })).toHaveLength(1);
    await Promise.all([one.close(), other.close()]);
  });
});

withServers(["mongo"], "an inbox in MongoDB", (env) => {
  inboxContract(async () => {
    const inbox = new StoredInbox(new MongoStore(env.MONGO_URL ?? ""));
    await inbox.open();
    return inbox;
  });
});
