import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceSchema } from "moleculer";
import { type Servers, servers } from "../../lib/infra";
import { freeRange } from "../../lib/infra/ports";
import { startNode, type TestNode } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats"], "calls between nodes whose NATS goes away", () => {
  const dir = mkdtempSync(join(tmpdir(), "shop-nats-"));
  let set: Servers;
  let caller: TestNode;
  let other: TestNode;

  const desk = (): ServiceSchema => ({
    name: "desk",
    actions: { ask: { retryPolicy: { enabled: true }, handler: () => "answer" } },
  });

  beforeAll(async () => {
    set = servers({ dir, basePort: await freeRange(10), given: {} });
    await set.start("nats");
    const NATS_URL = (await set.env()).NATS_URL ?? "";
    [caller, other] = await Promise.all([startNode([], { NATS_URL }), startNode([desk], { NATS_URL })]);
    await caller.broker.waitForServices("desk");
  }, 60_000);
  afterAll(async () => {
    await Promise.all([caller.stop(), other.stop()]);
    await set.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  test("what was asked while it was away is answered once it is back", async () => {
    await set.kill("nats");
    const heard = new Promise((resolve) => caller.broker.localBus.once("$transporter.connected", resolve));
    const asked = caller.broker.call("desk.ask", {}, { timeout: 20_000 });
    await set.start("nats");
    await expect(asked).resolves.toBe("answer");
    await expect(heard).resolves.toEqual({ wasReconnect: true });
  }, 60_000);
});
