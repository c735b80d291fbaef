import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeOf } from "../../lib/node";
import configService from "../../services/config/config.service";
import { Cluster, lampService } from "./config.parts";
import { eventually } from "./node";
import { together } from "./together";

const inCluster = (story: (cluster: Cluster) => Promise<void>) => async () => {
  const cluster = new Cluster();
  await story(cluster).finally(() => cluster.end());
};

const copyOf = (dataDir: string) => join(dataDir, "config.json");

together({
  "changes are live on every node within two seconds": inCluster(async (cluster) => {
    const keeper = await cluster.start([configService]);
    const lamps = await Promise.all([1, 2, 3].map(() => cluster.start([lampService])));
    await cluster.acquainted();
    await keeper.put("lamp", { "lamp.brightness": 77 });
    await eventually(() => lamps.every(({ lamp }) => lamp.brightness === 77), 2000);
  }),

  "changes are live within fifteen seconds where nobody was told": inCluster(async (cluster) => {
    const keeper = await cluster.start([configService]);
    const lamp = await cluster.start([lampService]);
    await cluster.acquainted();
    await keeper.put("lamp", { "lamp.brightness": 1 });
    await eventually(() => lamp.lamp.brightness === 1, 2000);
    // The network takes it and never delivers.
    const transit = keeper.broker.transit as unknown as { sendEvent: () => Promise<void> };
    transit.sendEvent = () => Promise.resolve();
    await keeper.put("lamp", { "lamp.brightness": 2 });
    expect(lamp.lamp.brightness).toBe(1);
    await eventually(() => lamp.lamp.brightness === 2, 15_000);
  }),

  "a node has what was set before it started, already when its services start": inCluster(async (cluster) => {
    const keeper = await cluster.start([configService, lampService]);
    await keeper.put("lamp", { "lamp.brightness": 8 });
    let seen = 0;
    await cluster.start([
      (broker) => ({
        ...lampService(broker),
        started: () => {
          seen = Number(nodeOf(broker).config.values.lamp?.["lamp.brightness"]);
        },
      }),
    ]);
    expect(seen).toBe(8);
  }),

  "a node starts with the last known configuration while config is away, and follows once it is back": inCluster(
    async (cluster) => {
      const keeper = await cluster.start([configService]);
      const lamp = await cluster.start([lampService]);
      await cluster.acquainted();
      await keeper.put("lamp", { "lamp.brightness": 33 });
      await eventually(() => readFileSync(copyOf(lamp.dataDir), "utf8").includes("33"), 3000);
      await cluster.stopAll();
      const alone = await cluster.start([lampService], { DATA_DIR: lamp.dataDir });
      expect(alone.lamp.brightness).toBe(33);
      const back = await cluster.start([configService], { DATA_DIR: keeper.dataDir });
      await cluster.acquainted();
      await back.put("lamp", { "lamp.brightness": 34 });
      await eventually(() => alone.lamp.brightness === 34, 2000);
    },
  ),

  "a node starts with its defaults and environment where there is neither config nor a usable copy": inCluster(
    async (cluster) => {
      expect((await cluster.start([lampService])).lamp.brightness).toBe(50);
      const broken = cluster.folder();
      writeFileSync(copyOf(broken), "{");
      expect((await cluster.start([lampService], { DATA_DIR: broken })).lamp.brightness).toBe(50);
      const other = cluster.folder();
      const copy = {
        label: "main",
        profiles: ["night"],
        version: 1,
        etag: "e",
        values: { lamp: { "lamp.brightness": 1 } },
      };
      writeFileSync(copyOf(other), JSON.stringify(copy));
      expect((await cluster.start([lampService], { DATA_DIR: other })).lamp.brightness).toBe(50);
    },
  ),

  "the keys of a service stay known while it is down": inCluster(async (cluster) => {
    const keeper = await cluster.start([configService]);
    const lamp = await cluster.start([lampService]);
    await cluster.acquainted();
    const kept = join(keeper.dataDir, "config", "config_applications.db");
    await eventually(() => readFileSync(kept, "utf8").includes("lamp.brightness"), 10_000);
    await lamp.broker.stop();
    const isListed = () =>
      JSON.stringify(keeper.broker.registry.getServiceList({ onlyAvailable: true })).includes('"lamp"');
    await eventually(() => !isListed(), 10_000);
    expect(await keeper.put("lamp", { "lamp.brightness": 12 })).toMatchObject({
      properties: { "lamp.brightness": 12 },
    });
    await cluster.stopAll();
    const again = await cluster.start([configService], { DATA_DIR: keeper.dataDir });
    expect((await again.get("lamp")).properties).toMatchObject({ "lamp.brightness": 12 });
  }),
});
