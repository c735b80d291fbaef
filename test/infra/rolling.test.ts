import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RollingCluster } from "../rolling/cluster";
import { rollingRestarts } from "../rolling/rolling";
import { withServers } from "./servers";

withServers(["nats", "mongo", "redis", "kafka"], "a cluster whose nodes are restarted one after the other", (env) => {
  const dir = mkdtempSync(join(tmpdir(), "shop-rolling-"));
  let cluster: RollingCluster;
  beforeAll(async () => {
    cluster = await RollingCluster.start(dir, "whole", env);
  }, 150_000);
  afterAll(async () => {
    await cluster?.close();
    rmSync(dir, { recursive: true, force: true });
  }, 30_000);

  it("answers every request, and has every message that it acknowledged, once", async () => {
    const said: string[] = [];
    const load = { rounds: 1, shoppers: 4, chatters: 4, say: (text: string) => void said.push(text) };
    const [round] = await rollingRestarts(cluster, load);
    expect(round?.failures).toEqual([]);
    expect(round?.restarts.map(({ name }) => name)).toEqual(["shop.1", "shop.2"]);
    for (const { ended } of round?.restarts ?? []) expect(ended).toBeLessThan(10_000);
    // Each was restarted under load, and whoever talked came back.
    expect(round?.requests).toBeGreaterThan(300);
    expect(round?.orders).toBeGreaterThan(20);
    expect(round?.messages).toBeGreaterThan(100);
    expect(round?.reconnects).toBeGreaterThanOrEqual(4);
  }, 120_000);
});
