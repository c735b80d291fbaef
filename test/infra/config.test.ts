import { createConnection } from "mongoose";
import { MongoStore } from "../../lib/store/mongo";
import configService from "../../services/config/config.service";
import { Cluster, lampService } from "../integration/config.parts";
import { configStoreContract } from "../integration/config.store.contract";
import { eventually } from "../integration/node";
import { killedAt } from "../integration/victims";
import { withServers } from "./servers";

withServers(["mongo"], "versions in MongoDB", ({ MONGO_URL = "" }) => {
  afterAll(async () => {
    const connection = await createConnection(MONGO_URL).asPromise();
    await connection.dropDatabase();
    await connection.close();
  });

  configStoreContract(() => new MongoStore(MONGO_URL));
});

withServers(["nats", "mongo"], "configuration in a cluster", ({ NATS_URL = "", MONGO_URL = "" }) => {
  const servers = { NATS_URL, MONGO_URL };
  const cluster = new Cluster();
  let keepers: Awaited<ReturnType<Cluster["start"]>>[];
  let lamps: typeof keepers;

  beforeAll(async () => {
    keepers = [await cluster.start([configService], servers), await cluster.start([configService], servers)];
    lamps = [await cluster.start([lampService], servers), await cluster.start([lampService], servers)];
    await cluster.acquainted();
  }, 60_000);
  afterAll(async () => {
    await cluster.end();
    const connection = await createConnection(MONGO_URL).asPromise();
    await connection.dropDatabase();
    await connection.close();
  });

  const put = (keeper: number, properties: object, profile = "default") =>
    keepers[keeper]?.put("lamp", properties, { profile });

  it("changes on any of its nodes are live on all within two seconds", async () => {
    for (const [keeper, value] of [
      [0, 61],
      [1, 62],
    ] as const) {
      await put(keeper, { "lamp.brightness": value });
      await eventually(() => lamps.every(({ lamp }) => lamp.brightness === value), 2000);
    }
  });

  it("changes of several nodes at once are all kept, in one dense sequence", async () => {
    const before = (await keepers[0]?.get("lamp"))?.version ?? 0;
    await Promise.all(Array.from({ length: 30 }, (_, i) => put(i % 2, { "lamp.brightness": i }, `p${i}`)));
    const { items } = (await keepers[1]?.history()) ?? { items: [] };
    expect(items.slice(0, 30).map(({ version }) => version)).toEqual(
      Array.from({ length: 30 }, (_, i) => before + 30 - i),
    );
    for (let i = 0; i < 30; i++)
      expect((await keepers[i % 2]?.get("lamp", `p${i}`))?.properties["lamp.brightness"]).toBe(i);
  }, 60_000);

  it("a change of a node that was killed before it told anybody is live within fifteen seconds", async () => {
    const before = (await keepers[0]?.get("lamp"))?.version ?? 0;
    const env = { ...servers, NAMESPACE: cluster.namespace, STORY: "change", DATA_DIR: cluster.folder() };
    await killedAt("config.victim", "config.version.stored", env);
    expect((await keepers[1]?.get("lamp"))?.version).toBe(before + 1);
    await eventually(() => lamps.every(({ lamp }) => lamp.brightness === 1), 15_000);
  }, 60_000);

  it("a change of a node that was killed before it wrote is none, and the next one takes its number", async () => {
    const before = (await keepers[0]?.get("lamp"))?.version ?? 0;
    const env = { ...servers, NAMESPACE: cluster.namespace, STORY: "change", DATA_DIR: cluster.folder() };
    await killedAt("config.victim", "config.change.checked", env);
    expect(await put(0, { "lamp.brightness": 5 })).toMatchObject({ version: before + 1 });
    await eventually(() => lamps.every(({ lamp }) => lamp.brightness === 5), 2000);
  }, 60_000);
});
