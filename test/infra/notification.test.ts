import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../lib/ids";
import { type Servers, servers } from "../../lib/infra";
import { freeRange } from "../../lib/infra/ports";
import { eventually } from "../integration/node";
import { messageFact, metaOf, NotificationLab, Others, orderFact } from "../integration/notification.parts";
import { withServers } from "./servers";

withServers(["redis"], "notifications whose Redis goes away", () => {
  const dir = mkdtempSync(join(tmpdir(), "shop-inbox-"));
  let set: Servers;
  let lab: NotificationLab;

  beforeAll(async () => {
    // A server of its own: others are using that of the run.
    set = servers({ dir, basePort: await freeRange(10), names: ["redis"], given: {} });
    lab = await NotificationLab.start(await set.env());
  }, 60_000);
  afterAll(async () => {
    await lab.stop();
    await set.stop();
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  test("a node starts without it, says so, and what happens meanwhile is told when it is there", async () => {
    const customer = lab.others.person();
    await lab.publish(orderFact(customer));
    await eventually(async () =>
      /shop_topic_retries_total\{topic="order-event"[^}]*\} [2-9]/.test(await lab.metrics()),
    );
    await expect(lab.inbox(customer)).rejects.toMatchObject({ code: 503, data: { retryAfter: 2 } });
    const read = lab.node.as(metaOf(customer), "notification.read", { id: newId() });
    await expect(read).rejects.toMatchObject({ code: 503 });
    await set.start();
    await lab.handled();
    await eventually(() => lab.inbox(customer).then(({ items }) => items.length === 1));
    await eventually(() => lab.files(customer).length === 1);
    await lab.settled();
    expect(lab.files(customer)).toHaveLength(1);
  });

  test("while it hangs nothing is lost or told twice", async () => {
    const customer = lab.others.person();
    await set.pause();
    await lab.publish(orderFact(customer), orderFact(customer, "order.shipped"));
    await expect(lab.inbox(customer)).rejects.toMatchObject({ code: 503 });
    await set.resume();
    await lab.handled();
    await eventually(() => lab.inbox(customer).then(({ items }) => items.length === 2));
    await eventually(() => lab.files(customer).length === 2);
  });
});

withServers(["nats", "mongo", "redis", "kafka"], "notifications of two nodes", (env) => {
  const others = new Others();
  let lab: NotificationLab;
  let other: NotificationLab;
  beforeAll(async () => {
    lab = await NotificationLab.start(env, others);
    other = await NotificationLab.start(env, others);
  }, 60_000);
  afterAll(() => Promise.all([lab.stop(), other.stop()]), 60_000);

  test("are made once, each by one of them", async () => {
    const customers = Array.from({ length: 10 }, () => others.person());
    const conversationId = newId();
    for (const customer of customers) others.unread.set(`${conversationId}:${customer}`, 1);
    const facts = customers.flatMap((customerId) => [
      orderFact(customerId),
      messageFact({ customerId, conversationId, seq: 1 }),
    ]);
    await lab.publish(...facts);
    await other.publish(...facts);
    const filesOf = (customer: string) => lab.files(customer).length + other.files(customer).length;
    for (const customer of customers) {
      await eventually(() => other.inbox(customer).then(({ items }) => items.length === 2), 40_000);
      await eventually(() => filesOf(customer) === 2, 20_000);
    }
    await lab.handled();
    await lab.settled();
    for (const customer of customers) {
      expect((await lab.inbox(customer)).items.map(({ type }) => type).sort()).toEqual(["chat.unread", "order.paid"]);
      expect(filesOf(customer)).toBe(2);
    }
  }, 90_000);
});
