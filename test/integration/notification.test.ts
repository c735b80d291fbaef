import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../../lib/ids";
import { won } from "../../lib/money";
import type { Notification } from "../../services/notification/notification";
import { eventually } from "./node";
import { assignedFact, messageFact, metaOf, NotificationLab, orderFact } from "./notification.parts";

let lab: NotificationLab;
beforeAll(async () => {
  lab = await NotificationLab.start();
});
afterAll(() => lab.stop());

const delivered = (userId: string) =>
  lab.others.delivered.filter(({ to }) => JSON.stringify(to) === JSON.stringify({ users: [userId] }));

test("what becomes of an order is told its customer in the app, live and by mail", async () => {
  const customer = lab.others.person();
  const facts = [
    orderFact(customer, "order.placed"),
    orderFact(customer, "order.paid"),
    orderFact(customer, "order.shipped"),
    orderFact(customer, "order.delivered"),
    orderFact(customer, "order.refunded", { reason: "broken", amount: won(500) }),
    orderFact(customer, "order.cancelled", { reason: "expired" }),
  ];
  await lab.publish(...facts);
  await lab.handled();
  const { items } = await lab.inbox(customer);
  const types = ["order.cancelled", "order.delivered", "order.paid", "order.refunded", "order.shipped"];
  expect(items.map(({ type }) => type).sort()).toEqual(types);
  const paid = items.find(({ type }) => type === "order.paid");
  expect(paid).toEqual({
    id: expect.any(String),
    type: "order.paid",
    title: "결제가 완료되었습니다",
    body: expect.stringContaining("12,900"),
    link: `/orders/${facts[1]?.subject}`,
    createdAt: facts[1]?.time,
  });
  expect(delivered(customer)).toHaveLength(5);
  expect(delivered(customer).map(({ event }) => event)).toContain("notification");
  expect(delivered(customer).map(({ payload }) => payload)).toContainEqual(paid);
  await eventually(() => lab.files(customer).length === 5);
});

test("an event that comes three times is one notification and one mail", async () => {
  const customer = lab.others.person();
  const paid = orderFact(customer);
  await lab.publish(paid, paid);
  await lab.handled();
  await eventually(() => lab.files(customer).length === 1);
  await lab.settled();
  await lab.publish(paid);
  await lab.handled();
  await lab.settled();
  expect((await lab.inbox(customer)).items).toHaveLength(1);
  expect(lab.files(customer)).toHaveLength(1);
  expect(delivered(customer)).toHaveLength(1);
});

test("notifications are listed by pages, and read one by one or all at once, by their owner alone", async () => {
  const [customer, other] = [lab.others.person(), lab.others.person()];
  await lab.publish(...Array.from({ length: 5 }, () => orderFact(customer)));
  await lab.handled();
  const first = await lab.inbox(customer, { limit: 2 });
  await lab.publish(orderFact(customer));
  await lab.handled();
  const second = await lab.inbox(customer, { limit: 2, cursor: first.nextCursor });
  const third = await lab.inbox(customer, { limit: 2, cursor: second.nextCursor });
  expect(third.nextCursor).toBeNull();
  const ids = [first, second, third].flatMap(({ items }) => items.map(({ id }) => id));
  expect(ids).toEqual([...new Set(ids)].sort().reverse());
  expect(ids).toHaveLength(5);

  const [id = ""] = ids;
  const read = (as: string) => lab.node.as<Notification>(metaOf(as), "notification.read", { id });
  await expect(read(other)).rejects.toMatchObject({ code: 404, type: "NOTIFICATION_NOT_FOUND" });
  const { readAt } = await read(customer);
  expect(readAt).toEqual(expect.any(String));
  expect((await read(customer)).readAt).toBe(readAt);
  expect((await lab.inbox(customer, { unread: true })).items.map((item) => item.id)).not.toContain(id);
  await lab.node.as(metaOf(customer), "notification.readAll");
  expect((await lab.inbox(customer, { unread: true })).items).toEqual([]);
  expect((await lab.inbox(customer)).items).toHaveLength(6);
});

test("a mail without a server is a file that only its owner reads, a complete message", async () => {
  const customer = lab.others.person("<b>Kim</b>");
  await lab.publish(orderFact(customer));
  const [mail = ""] = await eventually(() => lab.files(customer).length === 1 && lab.files(customer));
  const folder = join(lab.node.dataDir, "mail");
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  const [head = ""] = mail.split("\r\n\r\n");
  for (const header of ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Unsubscribe"])
    expect(head).toMatch(new RegExp(`^${header}: `, "m"));
  expect(mail).toContain("multipart/alternative");
});

test("who wants no mail gets none, and what is chosen beats what the browser says", async () => {
  const customer = lab.others.person();
  const preferences = (action: string, params: object = {}, acceptLanguage?: string) =>
    lab.node.as(metaOf(customer, { acceptLanguage }), `notification.${action}`, params);
  expect(await preferences("preferences")).toEqual({ locale: "ko", email: { order: true, chat: true } });
  expect(await preferences("preferences", {}, "de, en-US;q=0.8, ko;q=0.5")).toMatchObject({ locale: "en" });
  await preferences("changePreferences", { email: { order: false } });
  expect(await preferences("preferences")).toEqual({ locale: "en", email: { order: false, chat: true } });
  await lab.publish(orderFact(customer));
  await lab.handled();
  expect((await lab.inbox(customer)).items).toMatchObject([{ title: "Payment received" }]);
  await preferences("changePreferences", { locale: "ko", email: { order: true } }, "en");
  expect(await preferences("preferences", {}, "en")).toEqual({ locale: "ko", email: { order: true, chat: true } });
  await lab.publish(orderFact(customer, "order.shipped"));
  await lab.handled();
  expect((await lab.inbox(customer)).items[0]).toMatchObject({ title: "상품이 발송되었습니다" });
  await eventually(() => lab.files(customer).length === 1);
  await lab.settled();
  expect(lab.files(customer)).toHaveLength(1);
});

describe("a chat message", () => {
  const conversation = () => {
    const ids = { customerId: lab.others.person(), agentId: lab.others.person(), conversationId: newId() };
    const keyOf = (userId: string) => `${ids.conversationId}:${userId}`;
    return { ...ids, ids, key: keyOf(ids.customerId), agentKey: keyOf(ids.agentId) };
  };
  const askedFor = (key: string) => lab.others.asked.filter((one) => one === key).length;

  test("that is still unread when its time is over is told once for all of its batch", async () => {
    const { ids, customerId, key } = conversation();
    lab.others.unread.set(key, 3);
    const facts = [1, 2, 3].map((seq) => messageFact({ ...ids, seq }));
    await lab.publish(...facts);
    await lab.handled();
    expect((await lab.inbox(customerId)).items).toEqual([]);
    await eventually(async () => (await lab.inbox(customerId)).items.length > 0);
    await eventually(() => lab.files(customerId).length === 1);
    await lab.publish(...facts);
    // What the repetitions began would be due before this one is.
    const later = conversation();
    await lab.publish(messageFact({ ...later.ids, seq: 1 }));
    await eventually(() => askedFor(later.key) === 1);
    await lab.settled();
    expect(askedFor(key)).toBe(1);
    expect((await lab.inbox(customerId)).items).toMatchObject([
      { type: "chat.unread", body: expect.stringContaining("3"), link: `/conversations/${ids.conversationId}` },
    ]);
    expect(lab.files(customerId)).toHaveLength(1);
  });

  test("that was read meanwhile is not told, and the next one is a batch of its own", async () => {
    const { ids, customerId, key } = conversation();
    await lab.publish(messageFact({ ...ids, seq: 1 }));
    await eventually(() => askedFor(key) === 1);
    lab.others.unread.set(key, 1);
    await lab.publish(messageFact({ ...ids, seq: 2 }));
    await eventually(async () => (await lab.inbox(customerId)).items.length === 1);
    expect(askedFor(key)).toBe(2);
  });

  test("is not told before it is old enough, whatever came before it and was read", async () => {
    const { ids, customerId, key } = conversation();
    const sentAt = Date.now() + 2000;
    lab.others.unread.set(key, 1);
    lab.others.oldest.set(key, new Date(sentAt).toISOString());
    await lab.publish(messageFact({ ...ids, seq: 1 }), messageFact({ ...ids, seq: 2 }));
    await eventually(() => askedFor(key) === 1);
    const { items } = await eventually(async () => {
      const inbox = await lab.inbox(customerId);
      return inbox.items.length > 0 && inbox;
    });
    expect(Date.now()).toBeGreaterThanOrEqual(sentAt + 300);
    expect(items).toMatchObject([{ createdAt: new Date(sentAt + 300).toISOString() }]);
    await eventually(() => lab.files(customerId).length === 1);
  });

  test("that waited is told the agent who gets the conversation later, once", async () => {
    const { ids, customerId, agentId, conversationId, agentKey } = conversation();
    lab.others.unread.set(agentKey, 1);
    const assigned = assignedFact(conversationId, customerId, agentId);
    await lab.publish(messageFact({ ...ids, agentId: undefined, seq: 1, from: "customer" }), assigned);
    await eventually(async () => (await lab.inbox(agentId)).items.length === 1);
    await lab.publish(assigned);
    // What the repetition began would be due before this one is.
    const later = conversation();
    await lab.publish(messageFact({ ...later.ids, seq: 1 }));
    await eventually(() => askedFor(later.key) === 1);
    expect(askedFor(agentKey)).toBe(1);
  });

  test("of a customer is told the agent who has the conversation; notes and the system's are told nobody", async () => {
    const { ids, customerId, agentId, key, agentKey } = conversation();
    for (const one of [key, agentKey]) lab.others.unread.set(one, 1);
    await lab.publish(
      messageFact({ ...ids, seq: 1, from: "agent", kind: "note" }),
      messageFact({ ...ids, seq: 2, from: "system", kind: "system" }),
      messageFact({ ...ids, agentId: undefined, seq: 3, from: "customer" }),
      messageFact({ ...ids, seq: 4, from: "customer" }),
    );
    await eventually(async () => (await lab.inbox(agentId)).items.length === 1);
    expect((await lab.inbox(customerId)).items).toEqual([]);
    expect(askedFor(key)).toBe(0);
  });
});

test("of who is erased nothing is left and nothing comes again", async () => {
  const customer = lab.others.person();
  const ids = { customerId: customer, agentId: lab.others.person(), conversationId: newId() };
  lab.others.unread.set(`${ids.conversationId}:${customer}`, 1);
  const paid = orderFact(customer);
  await lab.publish(paid, messageFact({ ...ids, seq: 1 }));
  await lab.handled();
  for (let times = 0; times < 2; times++) await lab.node.call("notification.erase", { userId: customer });
  expect((await lab.inbox(customer)).items).toEqual([]);
  const before = delivered(customer).length;
  await lab.publish(paid, orderFact(customer, "order.shipped"), messageFact({ ...ids, seq: 2 }));
  await lab.handled();
  expect((await lab.inbox(customer)).items).toEqual([]);
  expect(delivered(customer)).toHaveLength(before);
  await expect(lab.node.as(metaOf(customer), "notification.changePreferences", { locale: "en" })).rejects.toMatchObject(
    { code: 404 },
  );
});
