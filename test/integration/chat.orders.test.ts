import { notFound } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import type { Conversation, Message } from "../../services/chat/chat.contract";
import type { ChatReport } from "../../services/chat/report";
import orderService from "../../services/order/order.service";
import { DeskLab, type Person } from "./desk.parts";
import { eventually } from "./node";
import { customer, OrderLab } from "./order.parts";
import { stocked } from "./product.parts";

let desk: DeskLab;
beforeEach(async () => {
  desk = await DeskLab.start();
});
afterEach(() => desk.stop());

const fact = (
  type: string,
  {
    orderId,
    customerId,
    id = newId(),
    status = "paid",
  }: Record<"orderId" | "customerId", string> & {
    id?: string;
    status?: string;
  },
) => ({
  key: orderId,
  headers: {},
  value: JSON.stringify({
    specversion: "1.0",
    id,
    type,
    source: "/order",
    subject: orderId,
    time: new Date().toISOString(),
    data: { orderId, number: "261124-ABC", customerId, status, items: [], totals: {} },
  }),
});
const publish = (...messages: ReturnType<typeof fact>[]) =>
  nodeOf(desk.node.broker).topics.publish("order-event", messages);
const said = async (reader: Person, id: string) =>
  (await desk.node.as<{ items: Message[] }>(reader.meta, "chat.history", { id })).items;

test("an open conversation says what becomes of its order, once for each event, and no other one does", async () => {
  const [kim, lee] = [await desk.person("customer"), await desk.person("customer")];
  const orderId = newId();
  const about = await desk.node.as<{ id: string }>(kim.meta, "chat.open", { orderId });
  const other = await desk.open(lee);
  const paid = fact("order.paid", { orderId, customerId: kim.id });
  const shipped = fact("order.shipped", { orderId, customerId: kim.id });
  await publish(
    paid,
    paid,
    fact("order.paid", { orderId: newId(), customerId: kim.id }),
    fact("order.paid", { orderId: newId(), customerId: lee.id }),
    fact("order.weighed", { orderId, customerId: kim.id }),
    paid,
    shipped,
  );
  const messages = await eventually(async () => {
    const seen = await said(kim, about.id);
    return seen.length >= 2 && seen;
  });
  expect(messages).toMatchObject([
    { seq: 1, kind: "system", sender: { role: "system" }, text: expect.stringContaining("Order 261124-ABC is paid.") },
    { seq: 2, kind: "system", text: expect.stringContaining("is on its way") },
  ]);
  expect(await desk.act(kim, "find", about.id)).toMatchObject({ unread: 0, lastSeq: 2 });
  expect(await said(lee, other.id)).toEqual([]);
});

test("what is given back of an order is told as a part until it is all", async () => {
  const kim = await desk.person("customer");
  const orderId = newId();
  const { id } = await desk.node.as<{ id: string }>(kim.meta, "chat.open", { orderId });
  for (const status of ["delivered", "refunded"])
    await publish(fact("order.refunded", { orderId, customerId: kim.id, status }));
  const messages = await eventually(async () => {
    const seen = await said(kim, id);
    return seen.length === 2 && seen;
  });
  expect(messages).toMatchObject([
    { text: expect.stringContaining("is partly refunded.") },
    { text: expect.stringContaining("is refunded.") },
  ]);
});

test("what comes when the conversation is over is not said, and holds nothing up", async () => {
  const kim = await desk.person("customer");
  const [before, orderId] = [newId(), newId()];
  const { id } = await desk.node.as<{ id: string }>(kim.meta, "chat.open", { orderId: before });
  await desk.act(kim, "close", id);
  const next = await desk.node.as<{ id: string }>(kim.meta, "chat.open", { orderId });
  await publish(fact("order.paid", { orderId: before, customerId: kim.id }));
  await publish(fact("order.paid", { orderId, customerId: kim.id }));
  await eventually(async () => (await said(kim, next.id)).length === 1);
  expect(await said(kim, id)).toEqual([]);
});

describe("a conversation about an order", () => {
  const open = (by: Person, orderId: string) => desk.node.as<Conversation>(by.meta, "chat.open", { orderId });

  /** Says of each order whose it is, or fails as it is told to. */
  function ordersOf(owners: Record<string, string>, failure?: () => Promise<never>): void {
    const find = async ({ params: { id } }: { params: { id: string } }) => {
      if (failure) return failure();
      if (!owners[id]) throw notFound("ORDER_NOT_FOUND", "There is no such order.");
      return { id, customerId: owners[id] };
    };
    desk.node.broker.createService({ name: "order", actions: { find } });
  }

  test("is its customer's only, and one that is open stays about its own", async () => {
    const [kim, lee] = [await desk.person("customer"), await desk.person("customer")];
    const [kims, lees] = [newId(), newId()];
    ordersOf({ [kims]: kim.id, [lees]: lee.id });
    await desk.node.broker.waitForServices("order");
    for (const orderId of [lees, newId()])
      await expect(open(kim, orderId)).rejects.toMatchObject({ code: 404, type: "ORDER_NOT_FOUND" });
    const { id } = await open(kim, kims);
    expect(await open(kim, lees)).toMatchObject({ id, orderId: kims });
  });

  /** A node that stops waits for what it was asked. */
  let release: () => void = () => undefined;
  const silence = () =>
    new Promise<never>((_, reject) => {
      release = () => reject(new Error("too late"));
    });

  test.each([
    ["fails", () => Promise.reject(new Error("broken"))],
    ["does not answer", silence],
  ])("is opened while order %s, and says nothing of another's", async (_, failure) => {
    const [kim, lee] = [await desk.person("customer"), await desk.person("customer")];
    ordersOf({}, failure);
    await desk.node.broker.waitForServices("order");
    const orderId = newId();
    const { id } = await open(kim, orderId);
    await publish(
      fact("order.paid", { orderId, customerId: lee.id }),
      fact("order.paid", { orderId, customerId: kim.id }),
    );
    await eventually(async () => (await said(kim, id)).length > 0);
    expect(await said(kim, id)).toHaveLength(1);
    release();
  });
});

test("an agent sees a customer's orders, and is told where they cannot be had", async () => {
  const [agent, kim] = [await desk.agent(), await desk.person("customer")];
  const { id } = await desk.open(kim);
  const context = () => desk.node.as(agent.meta, "chat.context", { id });
  await expect(context()).rejects.toMatchObject({ type: "SERVICE_NOT_FOUND" });
  const { dependencies: _, ...order } = orderService(desk.node.broker);
  desk.node.broker.createService(order);
  await eventually(async () => {
    const seen = await context().catch(() => undefined);
    return seen && expect(seen).toEqual({ orders: [] }) === undefined;
  });
});

test("a report tells how long customers waited, were answered and rated, by agent too", async () => {
  const admin = await desk.person("admin");
  const from = new Date().toISOString();
  const agent = await desk.agent({ capacity: 3 });
  const customers = await Promise.all([1, 2, 3, 4].map(() => desk.person("customer")));
  const opened: Conversation[] = [];
  for (const one of customers) opened.push(await desk.open(one));
  const [first, second, , last] = opened as [Conversation, Conversation, Conversation, Conversation];
  await desk.say(agent, first.id);
  await desk.say(agent, second.id);
  await desk.act(agent, "close", first.id);
  await desk.act(agent, "close", second.id);
  await desk.node.as(customers[0]?.meta ?? {}, "chat.rate", { id: first.id, score: 5 });
  await desk.node.as(customers[1]?.meta ?? {}, "chat.rate", { id: second.id, score: 4 });
  await eventually(async () => (await desk.act(admin, "find", last.id)).agent);

  const ask = (params: object) => desk.node.as<ChatReport>(admin.meta, "chat.report", params);
  const to = new Date(Date.now() + 1000).toISOString();
  const times = (count: number) => ({ count, p50: expect.any(Number), p90: expect.any(Number) });
  const figures = {
    closed: 2,
    answered: 2,
    firstResponse: times(2),
    resolution: times(2),
    rating: { count: 2, average: 4.5 },
  };
  expect(await ask({ from, to })).toEqual({
    from,
    to,
    opened: 4,
    waiting: times(4),
    ...figures,
    agents: [{ agent: { id: agent.id, name: agent.name }, conversations: 4, ...figures }],
  });
  const before = await ask({ from: "2020-01-01T00:00:00Z", to: "2020-02-01T00:00:00Z" });
  expect(before).toMatchObject({ opened: 0, waiting: { count: 0, p50: null }, rating: { average: null }, agents: [] });
  await expect(ask({ from: to, to: from })).rejects.toMatchObject({ code: 422 });
});

test("an order in a line is what its customer ordered", async () => {
  const lab = await OrderLab.start();
  try {
    const [mine, others] = [customer(), customer()];
    const sku = await stocked(lab.node, 10);
    const placed = [await lab.place(mine, sku), await lab.place(mine, sku)].reverse();
    await lab.place(others, sku);
    const ask = (limit: number) => lab.node.call("order.ofCustomer", { customerId: mine.user?.id ?? "", limit });
    const { items } = await ask(5);
    expect(items).toEqual(
      placed.map(({ id, number, status, totals, createdAt }) => ({
        id,
        number,
        status,
        total: totals.total,
        createdAt,
      })),
    );
    expect((await ask(1)).items).toEqual([items[0]]);
  } finally {
    await lab.stop();
  }
});
