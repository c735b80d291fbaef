import type { CloudEvent, Fact } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import type { OrderView } from "../../services/order/order.schema";
import orderService from "../../services/order/order.service";
import paymentService from "../../services/payment/payment.service";
import productService from "../../services/product/product.service";
import userService from "../../services/user/user.service";
import { eventually, startNode, type TestNode } from "../integration/node";
import { customer, OrderLab } from "../integration/order.parts";
import { stocked } from "../integration/product.parts";
import { withServers } from "./servers";

/** A busy machine with a slow stand-in for MongoDB needs more than the embedded store is given. */
const PATIENT = { LEASE_MS: "2000", PAYMENT_TIMEOUT_MS: "5000" };

withServers(["nats", "mongo", "redis", "kafka"], "events of two nodes that host the same services", (env) => {
  let lab: OrderLab;
  let other: TestNode;
  let listener: TestNode;
  const heard: Fact[] = [];

  beforeAll(async () => {
    lab = await OrderLab.start({ ...env, ...PATIENT });
    other = await startNode([productService, paymentService, userService, orderService], {
      ...env,
      ...PATIENT,
      SANDBOX_URL: lab.provider.url,
      ORDER_SHIPPING_FEE: "0",
    });
    listener = await startNode(
      [
        () => ({
          name: "listener",
          events: { "order.*": (ctx: { params: Fact }) => void heard.push(ctx.params) },
        }),
      ],
      env,
    );
    await eventually(() => {
      const known = other.broker.registry.nodes
        .toArray()
        .filter(({ available }) => available)
        .map(({ id }) => id);
      return [lab.node, listener].every(({ broker }) => known.includes(broker.nodeID));
    });
  }, 60_000);
  afterAll(async () => {
    await listener.stop();
    await other.stop();
    await lab.stop();
  }, 30_000);

  /** The topic's events by order, copies of the same event left out. */
  async function facts(node: TestNode): Promise<Map<string, CloudEvent[]>> {
    const messages = await nodeOf(node.broker).topics.peek("order-event", "a-reader", 10_000);
    const byId = new Map(
      messages.map(({ value }) => JSON.parse(value) as CloudEvent).map((event) => [event.id, event]),
    );
    return Map.groupBy(byId.values(), ({ subject }) => subject);
  }

  const waiting = async () =>
    (await nodeOf(other.broker).metrics.registry.metrics()).match(
      /shop_outbox_waiting\{topic="order-event".*\} (\d+)/,
    )?.[1];

  test("each stands in Kafka in order, and has had its effect once", async () => {
    const sku = await stocked(lab.node, 1000);
    const orders: OrderView[] = [];
    // Five at a time: the stand-in for MongoDB is slow, and a payment that takes too long settles later.
    for (let i = 0; i < 5; i++)
      orders.push(...(await Promise.all(Array.from({ length: 5 }, () => lab.paid(customer(), sku, 2)))));
    await eventually(async () => (await waiting()) === "0", 20_000);
    const seen = await facts(lab.node);
    expect(orders.map(({ id }) => seen.get(id)?.map(({ type }) => type))).toEqual(
      orders.map(() => ["order.placed", "order.paid"]),
    );
    const { store, topics } = nodeOf(lab.node.broker);
    await eventually(async () => (await topics.lag("order-event", "product")) === 0, 20_000);
    const sales = store.collection<{ _id: string; sold: number }>("product", { name: "sales" });
    await sales.open();
    expect((await sales.find({})).map(({ sold }) => sold)).toEqual([50]);
    await sales.close();
  }, 60_000);

  test("are heard on a node that reads no topic", async () => {
    const sku = await stocked(lab.node, 10);
    const { id } = await lab.paid(customer(), sku);
    await eventually(() => heard.filter(({ subject }) => subject === id).length >= 2);
    expect([...new Set(heard.filter(({ subject }) => subject === id).map(({ type }) => type))]).toEqual([
      "order.placed",
      "order.paid",
    ]);
  }, 30_000);

  test("go on when the node that published them stops", async () => {
    const sku = await stocked(lab.node, 10);
    const service = lab.node.broker.getLocalService("order");
    if (service) await lab.node.broker.destroyService(service);
    const { id } = await lab.place(customer(), sku);
    const seen = await eventually(async () => (await facts(other)).get(id), 20_000);
    expect(seen.map(({ type }) => type)).toEqual(["order.placed"]);
  }, 60_000);
});
