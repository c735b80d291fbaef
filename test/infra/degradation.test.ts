import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io, type Socket } from "socket.io-client";
import { type Answer, expectStatus, Shop } from "../e2e/shop";
import { eventually } from "../integration/node";
import { RollingCluster } from "../rolling/cluster";
import { withServers } from "./servers";

/** Heartbeats of a killed node are missed after six seconds, and looked for every few. */
const NOTICED_MS = 15_000;
/** What counts as at once, on a machine with other work. */
const AT_ONCE_MS = 1500;

withServers(["nats", "mongo", "redis", "kafka"], "a shop that has lost a part of itself", (env) => {
  const dir = mkdtempSync(join(tmpdir(), "shop-degradation-"));
  let cluster: RollingCluster;
  let shop: Shop;
  let admin: string;
  let sku: string;
  let token: string;

  beforeAll(async () => {
    cluster = await RollingCluster.start(dir, "single", { ...env, LEASE_MS: "2000" });
    shop = new Shop(cluster.origin);
    admin = (await shop.admin()).accessToken;
    ({ sku } = await shop.newProduct(admin, 100));
    token = (await shop.register("Lee")).accessToken;
  }, 180_000);
  afterAll(async () => {
    await cluster?.close();
    rmSync(dir, { recursive: true, force: true });
  }, 30_000);

  const lines = () => [{ sku, quantity: 1 }];
  const placed = async () => expectStatus(await shop.place(token, lines()), 201);

  /** Resolves once a 503 comes at once, and says when to come again. */
  async function refusedAtOnce(ask: () => Promise<Answer<unknown>>): Promise<void> {
    await eventually(async () => {
      const began = Date.now();
      const answer = await ask();
      expect(answer.status).toBe(503);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      return Date.now() - began < AT_ONCE_MS;
    }, NOTICED_MS);
  }

  it("takes orders and payments without notification, chat and configuration", async () => {
    const gone = ["notification.1", "chat.1", "config.1"];
    await Promise.all(gone.map((name) => cluster.kill(name)));
    const order = await placed();
    const paid = expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
    expect(paid.status).toBe("paid");
    expect(expectStatus(await shop.call("GET", "/orders", { token }), 200)).toMatchObject({
      items: [{ id: order.id }],
    });
    await Promise.all(gone.map((name) => cluster.revive(name)));
    // What happened meanwhile is told once they are back.
    await eventually(async () => {
      const { body } = await shop.call<{ items?: { type: string }[] }>("GET", "/notifications", { token });
      return body.items?.some(({ type }) => type === "order.paid");
    }, 30_000);
  }, 90_000);

  it("says at once that it cannot be paid without payment, loses nothing, and goes on where it was", async () => {
    const order = await placed();
    const paymentKey = await shop.checkout(order);
    await cluster.kill("payment.1");
    const [paying, placing] = [randomUUID(), randomUUID()];
    await refusedAtOnce(() => shop.confirm(token, order, paymentKey, paying));
    await refusedAtOnce(() => shop.place(token, lines(), placing));
    expect((await shop.order(token, order.id)).status).toBe("awaiting_payment");
    expect((await shop.products("?limit=1")).length).toBe(1);
    await cluster.revive("payment.1");
    const paid = await eventually(async () => {
      const answer = await shop.confirm(token, order, paymentKey, paying);
      return answer.status === 200 && answer.body;
    }, 20_000);
    expect(paid.status).toBe("paid");
    const late = await eventually(async () => {
      const answer = await shop.place(token, lines(), placing);
      return answer.status === 201 && answer.body;
    }, 20_000);
    const { items } = expectStatus(await shop.call<{ items: { id: string }[] }>("GET", "/orders", { token }), 200);
    expect(items.filter(({ id }) => id === late.id)).toHaveLength(1);
    await eventually(async () => (await shop.stock(admin, sku)).reserved === 1, 20_000);
  }, 120_000);

  it("takes a payment without products, and books the stock once they are back", async () => {
    const order = await placed();
    const before = await shop.stock(admin, sku);
    const looked = expectStatus(await shop.call<{ items: object[] }>("GET", "/products?limit=7"), 200);
    await cluster.kill("product.1");
    const paid = expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
    expect(paid.status).toBe("paid");
    await refusedAtOnce(() => shop.place(token, lines()));
    // What somebody looked at before is shown as it was, and says so.
    const page = await shop.call<{ items: object[] }>("GET", "/products?limit=7");
    expect(expectStatus(page, 200).items).toEqual(looked.items);
    expect(page.headers.get("cache-status")).toMatch(/^gateway; hit; ttl=-\d+$/);
    expect(Number(page.headers.get("age"))).toBeGreaterThan(0);
    await refusedAtOnce(() => shop.call("GET", "/products?limit=8"));
    await cluster.revive("product.1");
    await eventually(async () => {
      const { status, headers } = await shop.call("GET", "/products?limit=7");
      return status === 200 && !headers.has("age");
    }, 20_000);
    const { available, reserved, sold } = before;
    await eventually(async () => {
      const { status, body } = await shop.call<{ sold: number }>("GET", `/inventory/${sku}`, { token: admin });
      return status === 200 && body.sold === sold + 1;
    }, 30_000);
    expect(await shop.stock(admin, sku)).toEqual({ available, reserved: reserved - 1, sold: sold + 1 });
  }, 120_000);

  it("shows products, lets people in and talks without orders", async () => {
    await cluster.kill("order.1");
    await refusedAtOnce(() => shop.call("GET", "/orders", { token }));
    expect((await shop.products("?limit=5")).length).toBe(5);
    const { accessToken } = await shop.register();
    expectStatus(await shop.call("POST", "/conversations", { token: accessToken, body: { text: "hello" } }), 201);
    await cluster.revive("order.1");
    await eventually(async () => (await shop.call("GET", "/orders", { token })).status === 200, 20_000);
  }, 90_000);

  it("knows who is signed in without auth and user, and lets them order and talk", async () => {
    const { id } = expectStatus(
      await shop.call<{ id: string }>("POST", "/conversations", { token, body: { text: "hello" } }),
      201,
    );
    const socket = await connected(cluster.origin, token);
    await Promise.all(["auth.1", "user.1"].map((name) => cluster.kill(name)));
    await refusedAtOnce(() => shop.call("POST", "/auth/login", { body: { email: "a@example.com", password: "x" } }));
    const order = await placed();
    expect(expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200).status).toBe("paid");
    const sent = await said(socket, { conversationId: id, clientMsgId: randomUUID(), text: "still here" });
    expect(sent).toMatchObject({ seq: 2, sender: { name: "Lee" } });
    const another = await connected(cluster.origin, token);
    for (const one of [socket, another]) one.disconnect();
    await Promise.all(["auth.1", "user.1"].map((name) => cluster.revive(name)));
    await eventually(async () => (await shop.call("GET", "/users/me", { token })).status === 200, 20_000);
  }, 120_000);
});

async function connected(origin: string, token: string): Promise<Socket> {
  const socket = io(origin, { auth: { token }, transports: ["websocket"], forceNew: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

function said(socket: Socket, message: object): Promise<object> {
  return new Promise((resolve, reject) => {
    socket
      .timeout(5000)
      .emit("call", "chat.send", message, (late: Error | null, problem: object | null, sent: object) =>
        late || problem ? reject(late ?? new Error(JSON.stringify(problem))) : resolve(sent),
      );
  });
}
