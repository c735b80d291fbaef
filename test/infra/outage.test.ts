import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import type { CloudEvent } from "../../lib/events";
import { type Servers, servers } from "../../lib/infra";
import type { ShopNode } from "../../lib/infra/nodes";
import { freeRange } from "../../lib/infra/ports";
import { KafkaTopics } from "../../lib/topics/kafka";
import { newPlace, type Place } from "../e2e/node";
import { CARD, expectStatus } from "../e2e/shop";
import { eventually } from "../integration/node";
import { withServers } from "./servers";

withServers(["nats", "mongo", "redis", "kafka"], "a shop whose servers go away and come back", () => {
  const dir = mkdtempSync(join(tmpdir(), "shop-outage-"));
  let set: Servers;
  let place: Place;
  let node: ShopNode;

  beforeAll(async () => {
    const basePort = await freeRange(10);
    // Servers of its own: others are using those of the run.
    set = servers({ dir, basePort, given: {} });
    await set.start();
    place = await newPlace();
    node = await place.start(await set.env());
  }, 60_000);
  afterAll(async () => {
    await node.stop();
    await set.stop();
    place.remove();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  const ready = async () => {
    const response = await fetch(`http://127.0.0.1:${place.ports.ops}/health/ready`);
    return { code: response.status, ...((await response.json()) as { status: string; missing: string[] }) };
  };
  const becomes = (code: number, status: string, missing: string[]) =>
    eventually(async () => JSON.stringify(await ready()) === JSON.stringify({ code, status, missing }), 20_000);

  const waiting = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${place.ports.ops}/metrics`)).text();
    return Number(metrics.match(/^shop_outbox_waiting\{topic="order-event".*\} (\d+)$/m)?.[1]);
  };

  /** What stands in the topic of orders. */
  const told = async () => {
    const topics = new KafkaTopics({
      brokers: [(await set.env()).KAFKA_BROKERS ?? ""],
      namespace: "shop",
      partitions: 1,
      replication: 1,
      retentionMs: 3_600_000,
      logger: new ServiceBroker({ logger: false }).logger,
    });
    try {
      const found = await topics.peek("order-event", "a-reader", 10_000);
      return found.map(({ value }) => JSON.parse(value) as CloudEvent);
    } finally {
      await topics.close();
    }
  };

  it("goes on without Redis, degraded", async () => {
    await becomes(200, "ok", []);
    // Readers all the while, at pages that no cache has: not one of them may notice.
    let reading = true;
    const readers = Array.from({ length: 4 }, async (_, reader) => {
      for (let i = 0; reading; i++) await place.shop.products(`?limit=${1 + (i % 100)}&q=${reader}`);
    });
    await set.stop("redis");
    await becomes(200, "degraded", ["redis"]);
    reading = false;
    await Promise.all(readers);
    expect((await place.shop.products("?limit=1")).length).toBe(1);
    const { accessToken: token } = await place.shop.register();
    const [product] = await place.shop.products("?limit=1&sort=price");
    const order = expectStatus(
      await place.shop.place(token, [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }]),
      201,
    );
    const paid = await place.shop.confirm(token, order, await place.shop.checkout(order, CARD.good));
    expect(expectStatus(paid, 200).status).toBe("paid");
    await set.start("redis");
    await becomes(200, "ok", []);
  }, 60_000);

  it("goes on without Kafka, degraded, and tells all of it once Kafka is back", async () => {
    await set.kill("kafka");
    await becomes(200, "degraded", ["kafka"]);
    const { accessToken: token } = await place.shop.register();
    const [product] = await place.shop.products("?limit=1&sort=price");
    const items = [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }];
    const orders = [];
    for (let i = 0; i < 5; i++) {
      const order = expectStatus(await place.shop.place(token, items), 201);
      const paid = await place.shop.confirm(token, order, await place.shop.checkout(order, CARD.good));
      expect(expectStatus(paid, 200).status).toBe("paid");
      orders.push(order.id);
    }
    await eventually(async () => (await waiting()) === 5);
    await set.start("kafka");
    await becomes(200, "ok", []);
    await eventually(async () => (await waiting()) === 0, 40_000);
    const events = await told();
    const typesOf = (id: string) => [
      ...new Set(events.filter(({ subject }) => subject === id).map(({ type }) => type)),
    ];
    expect(orders.map(typesOf)).toEqual(orders.map(() => ["order.placed", "order.paid"]));
  }, 120_000);

  it("ends in time while Kafka hangs with orders on their way there, and tells all of them when both are back", async () => {
    const { accessToken: token } = await place.shop.register();
    const [product] = await place.shop.products("?limit=1&sort=price");
    const items = [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }];
    const placed: string[] = [];
    let placing = true;
    const buyer = async () => {
      while (placing) placed.push(expectStatus(await place.shop.place(token, items), 201).id);
    };
    const buyers = [buyer(), buyer()];
    await eventually(() => placed.length > 10);
    await set.pause("kafka");
    const before = placed.length;
    await eventually(() => placed.length >= before + 2);
    placing = false;
    await Promise.all(buyers);
    await eventually(async () => (await waiting()) > 0);
    const began = Date.now();
    expect(await node.stop()).toEqual({ code: 0, signal: null });
    // Of the ten seconds that it has, as others may need some of them: one of draining, and some for readers and topics.
    expect(Date.now() - began).toBeLessThan(7000);
    await set.resume("kafka");
    node = await place.start(await set.env());
    await eventually(async () => (await waiting()) === 0, 40_000);
    const subjects = new Set((await told()).map(({ subject }) => subject));
    expect(placed.filter((id) => !subjects.has(id))).toEqual([]);
  }, 120_000);

  it("says soon that it cannot answer without MongoDB, and names it", async () => {
    await set.stop("mongo");
    await becomes(503, "unavailable", ["mongo"]);
    const began = Date.now();
    const answer = await place.shop.call("GET", "/products?q=nobody-asked-this-before");
    expect([answer.status, answer.body.code]).toEqual([503, "STORE_UNAVAILABLE"]);
    expect(answer.headers.get("retry-after")).not.toBeNull();
    expect(Date.now() - began).toBeLessThan(8000);
    expect((await fetch(`http://127.0.0.1:${place.ports.ops}/health/live`)).status).toBe(200);
    await set.start("mongo");
    await becomes(200, "ok", []);
    await eventually(async () => (await place.shop.call("GET", "/products?q=nobody")).status === 200, 20_000);
  }, 90_000);

  it("is not ready without NATS, and names it", async () => {
    await set.stop("nats");
    await becomes(503, "unavailable", ["nats"]);
    await set.start("nats");
    await becomes(200, "ok", []);
  }, 60_000);
});
