import { serviceNames } from "../../lib/hosting";
import { freePorts, freeRange } from "../../lib/infra/ports";
import { entryCommand, type Launched, launch } from "../../lib/infra/processes";
import { commandOf } from "../compiled";
import { journey } from "../e2e/journey";
import { expectStatus, PASSWORD, Shop } from "../e2e/shop";
import { eventually } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats", "mongo", "redis", "kafka"], "each service in processes of its own", (env) => {
  let cluster: Launched;
  let shop: Shop;

  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    // The sandbox's port, and ten further on those of the members.
    const sandbox = await freeRange(20 + 20 * serviceNames().length);
    cluster = launch({
      name: "cluster",
      ...commandOf("bin/cluster"),
      env: {
        ...env,
        PORT: String(port),
        CLUSTER_PORT: String(sandbox + 10),
        SANDBOX_PORT: String(sandbox),
        NODE_ENV: "test",
        RATE_LIMIT: "off",
        LOG_LEVEL: "warn",
        LEASE_MS: "2000",
      },
    });
    shop = new Shop(`http://127.0.0.1:${port}`);
    await eventually(() => {
      if (!cluster.running) throw new Error(cluster.output());
      return cluster.output().includes("The shop:");
    }, 120_000);
  }, 150_000);

  afterAll(async () => {
    expect(await cluster.stop(30_000)).toEqual({ code: 0, signal: null });
  }, 40_000);

  journey(() => shop);

  it("changes configuration on every node as soon as it is told", async () => {
    const { accessToken: token } = await shop.admin();
    const body = { properties: { "order.shippingFee": 4321, "chat.capacity": 7 } };
    const { version } = expectStatus(
      await shop.call<{ version: number }>("PUT", "/config/application/default", { token, body }),
      200,
    );
    const ports = [...cluster.output().matchAll(/^[a-z]+ +\d+ +\d+ +\d+ +(\d+)$/gm)].map(([, ops]) => ops);
    expect(ports).toHaveLength(2 * serviceNames().length);
    const versionOf = async (ops = "") =>
      /^shop_config_version (\d+)$/m.exec(await (await fetch(`http://127.0.0.1:${ops}/metrics`)).text())?.[1];
    // Sooner than all nodes look by themselves, which each does every five seconds.
    await eventually(
      async () => (await Promise.all(ports.map(versionOf))).every((one) => one === String(version)),
      4000,
    );
    const { sku } = await shop.newProduct(token, 10);
    const { accessToken } = await shop.register();
    for (let i = 0; i < 4; i++) {
      const { totals } = expectStatus(await shop.place(accessToken, [{ sku, quantity: 1 }]), 201);
      expect(totals.shipping.amount).toBe(4321);
    }
    expectStatus(await shop.call("POST", "/config/rollback", { token, body: { version: version - 1 } }), 200);
  }, 30_000);

  it("gives roles while it runs, and the tokens with the old ones end at once", async () => {
    const { user, accessToken: token } = await shop.register();
    const { command, args } = entryCommand("grant");
    const run = launch({
      name: "grant",
      command,
      args: [...args, user.email, "admin"],
      env: { ...env, NODE_ENV: "test" },
    });
    expect({ ...(await run.exited), output: run.output() }).toMatchObject({
      code: 0,
      output: expect.stringContaining("admin (before: customer)"),
    });
    await eventually(async () => (await shop.call("GET", "/users/me", { token })).status === 401, 3000);
    expect((await shop.login(user.email, PASSWORD)).user.roles).toEqual(["admin"]);
  }, 30_000);

  it("serves on when one of each pair is killed", async () => {
    const pids = [...cluster.output().matchAll(/^([a-z]+) +1 +(\d+) +\d+ +\d+$/gm)];
    expect(pids.map(([, name]) => name).sort()).toEqual(serviceNames().sort());
    const admin = (await shop.admin()).accessToken;
    const { sku } = await shop.newProduct(admin, 10);
    const { accessToken: token } = await shop.register();
    for (const [, , pid] of pids) process.kill(Number(pid), "SIGKILL");
    // Calls that were on their way to the dead fail; from then on the others answer.
    const order = await eventually(async () => {
      const answer = await shop.place(token, [{ sku, quantity: 1 }], "one-order").catch(() => undefined);
      return answer?.status === 201 && answer.body;
    }, 60_000);
    const paymentKey = await shop.checkout(order);
    await eventually(async () => {
      const answer = await shop.confirm(token, order, paymentKey, "one-payment").catch(() => undefined);
      return answer?.status === 200;
    }, 60_000);
    const mine = expectStatus(await shop.call<{ items: object[] }>("GET", "/orders", { token }), 200);
    expect(mine.items).toHaveLength(1);
    const stock = await eventually(async () => {
      const seen = await shop.stock(admin, sku).catch(() => undefined);
      return seen?.sold === 1 && seen;
    }, 30_000);
    expect(stock).toEqual({ available: 9, reserved: 0, sold: 1 });
  }, 120_000);
});
