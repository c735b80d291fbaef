import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceSchema } from "moleculer";
import { nodeOf } from "../../lib/node";
import authService from "../../services/auth/auth.service";
import chatService from "../../services/chat/chat.service";
import configService from "../../services/config/config.service";
import orderService from "../../services/order/order.service";
import paymentService from "../../services/payment/payment.service";
import { providersOf } from "../../services/payment/providers/providers";
import sandboxService from "../../services/payment/sandbox.service";
import productService from "../../services/product/product.service";
import userService from "../../services/user/user.service";
import { eventually, startNode, type TestNode } from "./node";
import { customer, shippingAddress } from "./order.parts";
import { ADMIN, create } from "./product.parts";

let node: TestNode;
let version = 0;

async function put(application: string, properties: object): Promise<void> {
  ({ version } = await node.as<{ version: number }>(ADMIN, "config.put", {
    application,
    profile: "default",
    properties,
  }));
  await eventually(() => nodeOf(node.broker).config.version === version);
}

beforeAll(async () => {
  const shop = [productService, paymentService, sandboxService, userService, orderService];
  const gateway = (): ServiceSchema => ({ name: "gateway" });
  node = await startNode([configService, ...shop, chatService, authService, gateway], { SANDBOX_PORT: "0" });
});
afterAll(() => node.stop());

describe("an order", () => {
  let sku: string;
  const place = () =>
    node.as<{ totals: { shipping: { amount: number } }; createdAt: string; expiresAt: string; id: string }>(
      { ...customer(), idempotencyKey: `${Math.random()}` },
      "order.place",
      { items: [{ sku, quantity: 1 }], shippingAddress },
    );
  beforeAll(async () => {
    sku = "live-1";
    const variants = [{ sku, name: "One", price: { amount: 1000, currency: "KRW" }, stock: 50 }];
    await create(node, { slug: "live", name: "Live", description: "", category: "things", images: [], variants });
  });

  it("costs the shipping fee and waits the window of its moment", async () => {
    await put("order", { "order.shippingFee": 700, "order.paymentWindow": 60 });
    const first = await place();
    expect(first.totals.shipping.amount).toBe(700);
    expect(Date.parse(first.expiresAt) - Date.parse(first.createdAt)).toBe(60_000);
    await put("order", { "order.shippingFee": 0, "order.paymentWindow": 120 });
    const second = await place();
    expect(second.totals.shipping.amount).toBe(0);
    expect(Date.parse(second.expiresAt) - Date.parse(second.createdAt)).toBe(120_000);
  });

  it("is not taken while orders are closed", async () => {
    await put("order", { "order.accepting": false });
    await expect(place()).rejects.toMatchObject({ code: 503, type: "ORDERS_CLOSED", data: { retryAfter: 60 } });
    await put("order", { "order.accepting": null });
    await expect(place()).resolves.toBeDefined();
  });
});

it("an account is not made while registration is closed", async () => {
  const register = () =>
    node.as({}, "auth.register", {
      email: `${Math.random()}@example.com`,
      password: "correct horse battery staple 7",
      name: "Kim",
    });
  await put("auth", { "auth.registering": false });
  await expect(register()).rejects.toMatchObject({ code: 503, type: "REGISTRATION_CLOSED" });
  await put("auth", { "auth.registering": true });
  await expect(register()).resolves.toBeDefined();
});

describe("the chat", () => {
  const person = async (role: "agent" | "customer") => {
    const id = `${role}-${Math.random().toString(36).slice(2)}`;
    await node.call("user.create", { id, email: null, name: role, roles: [role] });
    return { user: { id, roles: [role], sid: "s" } };
  };

  it("gives agents who never chose a capacity the one of the configuration, and leaves the others theirs", async () => {
    const [one, other] = [await person("agent"), await person("agent")];
    const capacityOf = async (agent: typeof one) =>
      (await node.as<{ capacity: number }>(agent, "chat.agentStatus", {})).capacity;
    await node.as(one, "chat.setAgentStatus", { status: "away" });
    await node.as(other, "chat.setAgentStatus", { status: "away", capacity: 3 });
    expect([await capacityOf(one), await capacityOf(other)]).toEqual([5, 3]);
    await put("chat", { "chat.capacity": 9 });
    await eventually(async () => (await capacityOf(one)) === 9, 2000);
    expect(await capacityOf(other)).toBe(3);
    expect(await capacityOf(await person("agent"))).toBe(9);
  });

  it("tells who waits outside of the hours when somebody will be there, once", async () => {
    const tomorrow = new Date(Date.now() + 24 * 3600_000).getUTCDay();
    const days = [["sun", "mon", "tue", "wed", "thu", "fri", "sat"][tomorrow]];
    await put("chat", { "chat.hours": { zone: "UTC", days, from: "09:00", to: "18:00" } });
    const who = await person("customer");
    const open = () => node.as<{ id: string; status: string; lastSeq: number }>(who, "chat.open", { text: "Hello" });
    const { id, status, lastSeq } = await open();
    expect({ status, lastSeq }).toEqual({ status: "queued", lastSeq: 2 });
    await open();
    const { items } = await node.as<{ items: { kind: string; text: string }[] }>(who, "chat.history", { id });
    expect(items.filter(({ kind }) => kind === "system").map(({ text }) => text)).toEqual([
      expect.stringContaining("09:00 (UTC)"),
    ]);
    await put("chat", { "chat.hours": "off" });
    expect((await node.as<{ lastSeq: number }>(await person("customer"), "chat.open", {})).lastSeq).toBe(0);
  });
});

describe("Toss", () => {
  let toss: Server;
  const keys: (string | undefined)[] = [];
  let url = "";
  beforeAll(async () => {
    toss = createServer((request, response) => {
      keys.push(request.headers.authorization);
      response.writeHead(404, { "Content-Type": "application/json" }).end('{"code":"NOT_FOUND_PAYMENT"}');
    });
    await new Promise<void>((resolve) => toss.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(toss.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => toss.close(resolve)));

  it("is asked with the key that holds, and is not configured without one", async () => {
    const settings = { SANDBOX_PORT: "0", TOSS_URL: url };
    const shop = await startNode([configService, paymentService, sandboxService], settings);
    const { named } = providersOf(shop.broker);
    const set = async (value: string | null) => {
      const properties = { "payment.toss.secretKey": value };
      const made = await shop.as<{ version: number }>(ADMIN, "config.put", {
        application: "payment",
        profile: "default",
        properties,
      });
      await eventually(() => nodeOf(shop.broker).config.version === made.version);
    };
    try {
      expect(() => named("toss")).toThrow("not configured");
      for (const key of ["live_sk_one", "live_sk_two"]) {
        await set(key);
        await named("toss").fetch("payment-key-1");
        expect(keys.at(-1)).toBe(`Basic ${Buffer.from(`${key}:`).toString("base64")}`);
      }
      await set(null);
      expect(() => named("toss")).toThrow("not configured");
    } finally {
      await shop.stop();
    }
  });
});
