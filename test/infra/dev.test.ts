import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceNames } from "../../lib/hosting";
import { launchNode, type ShopNode } from "../../lib/infra/nodes";
import { freePorts } from "../../lib/infra/ports";
import type { NodeView } from "../../services/api/ops.schema";
import { ProjectCopy } from "../e2e/project-copy";
import { expectStatus, Shop, type Tokens } from "../e2e/shop";
import { eventually } from "../integration/node";
import { withServers } from "./servers";

const ONLY = ["order", "payment"];

withServers(["nats", "mongo", "redis", "kafka"], "two services under development in a running cluster", (env) => {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-cluster-"));
  let copy: ProjectCopy;
  let cluster: ShopNode;
  let dev: ShopNode;
  let shop: Shop;
  let kim: Tokens;

  beforeAll(async () => {
    const [http = 0, ops = 0, sandbox = 0, ...others] = await freePorts(6);
    const [devHttp = 0, devOps = 0, devSandbox = 0] = others;
    const common = { ...env, NODE_ENV: "test", WEB_URL: `http://127.0.0.1:${http}`, RATE_LIMIT: "off" };
    shop = new Shop(common.WEB_URL);
    copy = new ProjectCopy();
    cluster = launchNode({
      name: "cluster",
      services: serviceNames().filter((name) => !ONLY.includes(name)),
      ports: { http, ops, sandbox },
      env: { ...common, DATA_DIR: dataDir, LOG_LEVEL: "error" },
    });
    const ports = { http: devHttp, ops: devOps, sandbox: devSandbox };
    // With the name that it gives itself.
    dev = copy.dev({ ports, env: { ...common, NODE_ID: "" }, args: ["--only", ONLY.join(",")] });
    await Promise.all([cluster.ready(), dev.ready()]);
    // What the other node hosts has routes here once discovery has told of it.
    await eventually(async () => (await shop.call("GET", "/orders")).status === 401, 20_000);
    kim = await shop.register("Kim");
  }, 90_000);
  afterAll(async () => {
    await Promise.all([cluster.kill(), dev.kill()]);
    copy.remove();
    rmSync(dataDir, { recursive: true, force: true });
  }, 30_000);

  const nodes = async (): Promise<NodeView[]> => {
    const { accessToken: token } = await shop.admin();
    return expectStatus(await shop.call<{ items: NodeView[] }>("GET", "/ops/nodes", { token }), 200).items;
  };
  const unknownOrder = async () =>
    (await shop.call<{ detail: string }>("GET", "/orders/unknown", { token: kim.accessToken })).body.detail;
  const soon = (look: () => Promise<boolean>) => eventually(() => look().catch(() => false), 20_000);

  async function buy(): Promise<string> {
    const { accessToken: token } = kim;
    const [product] = await shop.products();
    const items = [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }];
    const order = expectStatus(await shop.place(token, items), 201);
    return expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200).status;
  }

  it("hosts those that were named and no other", async () => {
    const seen = (await nodes()).map(({ state, services }) => ({ state, services }));
    expect(seen).toContainEqual({ state: "running", services: ["order", "payment", "sandbox"] });
    expect(seen).toHaveLength(2);
    // Of a node with all services in the same folder it would be another one's.
    await eventually(() => existsSync(join(copy.root, "data", "config-order-payment.json")));
  });

  it("takes orders and payments through the gateway of the other node, and its edited code answers there", async () => {
    expect(await buy()).toBe("paid");
    copy.edit("services/order/access.ts", "There is no such order.", "Edited here.");
    await soon(async () => (await unknownOrder()) === "Edited here.");
    expect(await buy()).toBe("paid");
  }, 40_000);

  it("is one running node of the cluster after its broker's second start", async () => {
    const help = "Time that an action took on this node, by outcome";
    copy.edit("lib/metrics.ts", help, "Edited help");
    const metrics = () => fetch(`http://127.0.0.1:${dev.ports.ops}/metrics`).then((answer) => answer.text());
    await soon(async () => (await metrics()).includes("Edited help"));
    await dev.ready();
    await eventually(async () => (await nodes()).every(({ state }) => state === "running"));
    expect((await nodes()).map(({ services }) => services)).toContainEqual(["order", "payment", "sandbox"]);
    expect(await nodes()).toHaveLength(2);
    await soon(async () => (await unknownOrder()) === "Edited here.");
    expect(await buy()).toBe("paid");
  }, 40_000);

  it("ends with 0, and the cluster knows that it left", async () => {
    dev.signal("SIGTERM");
    expect(await dev.exited).toEqual({ code: 0, signal: null });
    await eventually(async () => (await nodes()).length === 1);
  }, 20_000);
});
