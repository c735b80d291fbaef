import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ShopNode } from "../../lib/infra/nodes";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { type Answer, expectStatus } from "./shop";

interface Config {
  version: number;
  label: string;
  properties: Record<string, unknown>;
  sources: { name: string; properties: Record<string, unknown> }[];
}

const SECRET = "live_sk_of_this_test_0123456789";
const ENVIRONMENT = { ORDER_SHIPPING_FEE: "1234", LOG_LEVEL: "trace", LOG_FORMAT: "json" };

let place: Place;
let node: ShopNode;
let token: string;
beforeAll(async () => {
  place = await newPlace();
  node = await place.start(ENVIRONMENT);
  token = (await place.shop.admin()).accessToken;
}, 60_000);
afterAll(async () => {
  await node.stop();
  place.remove();
});

const get = (path: string): Promise<Answer<Config>> => place.shop.call<Config>("GET", path, { token });
const put = (path: string, properties: object) =>
  place.shop.call<Config & { errors: { path: string }[] }>("PUT", path, { token, body: { properties } });

it("is for admins only", async () => {
  const customer = (await place.shop.register()).accessToken;
  const paths = [
    ["GET", "/config/order/default"],
    ["PUT", "/config/order/default"],
    ["GET", "/config/history"],
    ["POST", "/config/rollback"],
    ["POST", "/config/encrypt"],
  ] as const;
  for (const [method, path] of paths) {
    const body = method === "GET" ? undefined : {};
    expect((await place.shop.call(method, path, { body })).status).toBe(401);
    expect((await place.shop.call(method, path, { body, token: customer })).status).toBe(403);
  }
});

it("says what holds and why, and answers what is not there or not accepted by code", async () => {
  const order = expectStatus(await get("/config/order/default"), 200);
  expect(order).toMatchObject({
    application: "order",
    profile: "default",
    label: "main",
    version: 0,
    properties: { "order.shippingFee": 1234, "order.paymentWindow": 900, "log.level": "trace" },
  });
  expect(order.sources.find(({ name }) => name === "environment")?.properties["order.shippingFee"]).toBe(1234);
  const missing = await get("/config/nothing/default");
  expect([missing.status, missing.body.code]).toEqual([404, "APPLICATION_NOT_FOUND"]);
  const refused = await put("/config/order/default", {
    "order.shippingFee": -1,
    "order.colour": 1,
    "chat.capacity": 3,
  });
  expect(refused).toMatchObject({ status: 422, body: { code: "VALIDATION" } });
  expect(refused.body.errors.map(({ path }) => path).sort()).toEqual([
    "properties.chat.capacity",
    "properties.order.colour",
    "properties.order.shippingFee",
  ]);
  expect((await get("/config/order/default")).body.version).toBe(0);
  const unknown = await place.shop.call("POST", "/config/rollback", { token, body: { version: 77 } });
  expect([unknown.status, unknown.body.code]).toEqual([404, "VERSION_NOT_FOUND"]);
});

it("changes the shop while it runs, is rolled back, and outlives a restart", async () => {
  const { sku } = await place.shop.newProduct(token, 10);
  const customer = (await place.shop.register()).accessToken;
  const fee = async () =>
    expectStatus(await place.shop.place(customer, [{ sku, quantity: 1 }]), 201).totals.shipping.amount;
  expect(await fee()).toBe(1234);
  const first = expectStatus(await put("/config/order/default", { "order.shippingFee": 10 }), 200);
  expect(first.properties["order.shippingFee"]).toBe(10);
  await eventually(async () => (await fee()) === 10);
  expectStatus(await put("/config/order/default", { "order.shippingFee": 20, "order.accepting": false }), 200);
  const closed = await eventually(async () => {
    const answer = await place.shop.place(customer, [{ sku, quantity: 1 }]);
    return answer.status === 503 && answer;
  });
  expect([closed.body.code, closed.headers.get("retry-after")]).toEqual(["ORDERS_CLOSED", "60"]);
  const back = expectStatus(
    await place.shop.call("POST", "/config/rollback", { token, body: { version: first.version } }),
    200,
  );
  expect(back).toMatchObject({ version: first.version + 2 });
  // Orders are refused until then.
  await eventually(async () => (await fee().catch(() => undefined)) === 10);
  await node.stop();
  node = await place.start(ENVIRONMENT);
  expect(await fee()).toBe(10);
  const history = await place.shop.call<{ items: { version: number; by: string }[] }>(
    "GET",
    "/config/history?limit=2",
    {
      token,
    },
  );
  expect(history.body.items.map(({ version }) => version)).toEqual([first.version + 2, first.version + 1]);
}, 60_000);

it("keeps a secret out of answers, logs and files", async () => {
  const path = "/config/payment/default";
  const { body: encrypted } = await place.shop.call<{ cipher: string }>("POST", "/config/encrypt", {
    token,
    body: { value: `${SECRET}-2` },
  });
  expect(encrypted.cipher).toMatch(/^\{cipher\}development\./);
  const answers = [
    await put(path, { "payment.toss.secretKey": SECRET }),
    await put(path, { "payment.toss.secretKey": encrypted.cipher }),
    await put(path, { "payment.toss.secretKey": `${SECRET} `, "order.x": 1 }),
    await get(path),
    await place.shop.call("GET", "/config/history", { token }),
    await place.shop.call("GET", "/openapi.json"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 422, 200, 200, 200]);
  expect(answers[3]?.body).toMatchObject({ properties: { "payment.toss.secretKey": "******" } });
  expect(JSON.stringify(answers)).not.toContain("{cipher}development");
  await node.stop();
  const files = readdirSync(place.dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
  expect(files).toContain("{cipher}development.");
  expect(node.output()).toContain("/api/v1/config/payment/default");
  for (const [name, seen] of Object.entries({ answers: JSON.stringify(answers), files, log: node.output() }))
    expect(`${name}: ${seen.includes(SECRET) ? "has it" : "clean"}`).toBe(`${name}: clean`);
}, 60_000);

it("refuses to start with a cipher that it cannot read, naming the key and no value", async () => {
  const keys = { CONFIG_KEYS: `other:${Buffer.alloc(32, 1).toString("base64")}` };
  await expect(place.start({ ...ENVIRONMENT, ...keys })).rejects.toThrow(
    /payment\.toss\.secretKey of payment\/default cannot be read: there is no key "development" in CONFIG_KEYS/,
  );
  node = await place.start({ CONFIG_KEYS: "" });
}, 60_000);
