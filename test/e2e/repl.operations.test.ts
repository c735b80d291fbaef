import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { TOTP } from "otpauth";
import { deadLetter } from "../../lib/topics/dead-letters";
import { EventLog } from "../../lib/topics/event-log";
import { eventually } from "../integration/node";
import { type Console, openConsole } from "./console";
import { newPlace, type Place } from "./node";
import { expectStatus, type Order, type Tokens } from "./shop";

/** Milliseconds for which what failed is left alone. */
const LEASE_MS = 1000;
const NODE = "shop-under-test";

let place: Place;
let shop: Console;
let admin: string;
let customer: Tokens;
let sku: string;

/** Dead letters of the chat's topic that no group has a use for. */
async function bury(): Promise<void> {
  const directory = join(place.dataDir, "events");
  mkdirSync(directory, { recursive: true });
  const log = new EventLog({
    partitions: 1,
    replication: 1,
    retentionMs: 3_600_000,
    directory,
    logger: console as never,
  });
  const event = { specversion: "1.0", id: randomUUID(), type: "chat.later.invented", source: "chat", data: {} };
  const letters = ["talk-1", "talk-2"].map((key, offset) =>
    deadLetter(
      {
        ...{ topic: "chat-message", partition: 0, offset, key, headers: {} },
        value: JSON.stringify({ ...event, subject: key, time: new Date().toISOString() }),
      },
      { group: "notification", attempts: 4, error: new Error(`no place for ${key}`) },
    ),
  );
  await log.publish("chat-message.dlq", letters);
  await log.close();
}

beforeAll(async () => {
  place = await newPlace();
  await bury();
  const { http, ops, sandbox } = place.ports;
  shop = openConsole("start", ["--repl"], {
    ...{
      PORT: `${http}`,
      OPS_PORT: `${ops}`,
      SANDBOX_PORT: `${sandbox}`,
      DATA_DIR: place.dataDir,
      HOME: place.dataDir,
    },
    ...{ NATS_URL: "", MONGO_URL: "", REDIS_URL: "", KAFKA_BROKERS: "", NODE_ENV: "test", LOG_LEVEL: "fatal" },
    // What the provider does without being asked stays unknown.
    ...{ SANDBOX_WEBHOOK_URL: "http://127.0.0.1:9/nobody", LEASE_MS: `${LEASE_MS}`, NODE_ID: NODE, RATE_LIMIT: "off" },
  });
  await shop.prompted();
  admin = (await place.shop.admin()).accessToken;
  customer = await place.shop.register("Kim Minji");
  ({ sku } = await place.shop.newProduct(admin, 20));
}, 60_000);

afterAll(async () => {
  shop.kill();
  await shop.ended;
  place.remove();
});

/** What a line shows; nothing of it may be wider than a console. */
async function typed(line: string, answer?: string): Promise<string> {
  const output = await shop.type(line, answer);
  for (const row of output.split("\n")) expect(row.length).toBeLessThanOrEqual(answer === undefined ? 100 : 200);
  return output;
}

const placed = async (): Promise<Order> =>
  expectStatus(await place.shop.place(customer.accessToken, [{ sku, quantity: 2 }]), 201);

async function paid(): Promise<Order> {
  const order = await placed();
  const paymentKey = await place.shop.checkout(order);
  return expectStatus(await place.shop.confirm(customer.accessToken, order, paymentKey), 200);
}

it("shows the cluster at a glance", async () => {
  const seen = await typed("overview");
  expect(seen).toMatch(new RegExp(`Nodes\\nnode .*\\n${NODE} +running .* 0 s ago `));
  expect(seen).toMatch(/\nServices\nservice .*\n(.*\n)*order +\S+ +1 +shop-under-test\n/);
  expect(seen).toMatch(/\nMissing\nNothing\.\n/);
  expect(seen).toMatch(/chat queue +0 conversations\n/);
  expect(seen).toMatch(/stuck orders +0\n/);
  expect(seen).toMatch(/outbox +0\n/);
  expect(seen).toMatch(/lag +0\n/);
  expect(seen).toMatch(/dead letters +chat-message 2\n/);
});

it("tells an order's story in the order in which it happened", async () => {
  const order = await paid();
  const story = await eventually(async () => {
    const told = await typed(`order ${order.number}`);
    return /notified +order\.paid/.test(told) && /topic +order\.paid/.test(told) && told;
  });
  expect(story).toMatch(new RegExp(`^order +${order.number} \\(${order.id}\\)\\nstatus +paid, nothing left to do\\n`));
  expect(story).toMatch(new RegExp(`items +2 x ${sku}\\n`));
  expect(story).toMatch(/trace +[0-9a-f]{32}\n/);
  expect(story).toMatch(new RegExp(`Stock\\n.*\\n${sku} +2 +committed `));
  const happened = ["order +made", "order +awaiting_payment by its customer", "order +paid by its customer"];
  expect(story).toMatch(new RegExp(happened.map((what) => `Z +${what}\\n`).join("(.*\\n)*.*")));
  expect(story).toMatch(/payment +[\d,]+ KRW prepared at sandbox\n/);
  expect(story).toMatch(/payment +charge \S+ captured\n/);
  expect(story).toMatch(/topic +order\.placed at 0\/\d+\n/);
  expect(await typed(`order ${order.id}`)).toContain(`order     ${order.number} (`);
  expect(await typed("order nothing")).toBe("There is no order nothing.\n");
});

it("shows a SKU's stock, and corrects it once somebody confirmed", async () => {
  const order = await placed();
  const before = await place.shop.stock(admin, sku);
  const seen = await typed(`stock ${sku}`);
  expect(seen).toMatch(
    new RegExp(`available +${before.available}\\nreserved +${before.reserved}\\nsold +${before.sold}\\n`),
  );
  expect(seen).toMatch(new RegExp(`Reservations\\n.*\\n(.*\\n)*${order.id} +2 +in \\d+ min\\n`));
  expect(seen).toMatch(/adjusted +\+20 .*first stock\n/);
  expect(await typed(`stock correct ${sku} -3`)).toMatch(/^Say why: --reason /);
  expect(await typed(`stock correct ${sku} 3 --reason x`)).toMatch(/^Say by how much \(\+3, -3\) or what was counted/);
  expect(await typed(`stock correct ${sku} -3 --reason "fell down"`, "n")).toMatch(
    /\(y\/N\) (n\n)?Nothing was done\.\n$/,
  );
  expect(await place.shop.stock(admin, sku)).toEqual(before);
  expect(await typed(`stock correct ${sku} -3 --reason "fell down"`, "y")).toContain(
    `${before.available - 3} available`,
  );
  expect(await typed(`stock correct ${sku} =40 --reason counted --yes`)).toContain("40 available");
  expect(await place.shop.stock(admin, sku)).toEqual({ ...before, available: 40 });
  expect(await typed(`stock correct ${sku} -41 --reason gone --yes`)).toBe("There is not enough in stock.\n");
  expect(await typed(`stock ${sku}`)).toMatch(/adjusted +-3 +\S+@\S+ +fell down\n/);
  expect(await typed("stock NO-SUCH")).toBe("There is no such SKU.\n");
});

it("finds what the provider knows otherwise, and settles it as the process would", async () => {
  const order = await placed();
  const paymentKey = await place.shop.checkout(order);
  const captured = await fetch(`http://127.0.0.1:${place.ports.sandbox}/v1/payments/confirm`, {
    method: "POST",
    headers: {
      Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ paymentKey, orderId: order.id, amount: order.payment.client.amount }),
  });
  expect(captured.status).toBe(200);
  const found = await typed("payments reconcile --since 1h");
  expect(found).toMatch(
    new RegExp(`${order.id} .* paid there, not here +ready 0 +captured ${order.totals.total.amount}\\n`),
  );
  expect(found).toMatch(/\d+ payments compared, 1 difference\.\nNext: payments reconcile --fix /);
  expect((await place.shop.order(customer.accessToken, order.id)).status).toBe("awaiting_payment");
  expect(await typed("payments reconcile --fix --yes")).toMatch(new RegExp(`${order.id} .* settled `));
  await eventually(async () => (await place.shop.order(customer.accessToken, order.id)).status === "paid");
  expect(await typed("payments reconcile")).toMatch(/^\d+ payments compared with the provider: no difference\.\n$/);
  expect(await typed("payments reconcile --since soon")).toMatch(/^--since is a span \(30m, 24h, 7d\) or a time/);
});

it("shows who waits and who helps, and assigns over nobody's capacity", async () => {
  const agent = await place.shop.login("agent@example.com", "demo-password-1234");
  expect(await typed("queue")).toBe("Nobody waits.\n");
  const open = async ({ accessToken: token }: Tokens, subject: string) =>
    expectStatus(await place.shop.call<{ id: string }>("POST", "/conversations", { token, body: { subject } }), 201).id;
  const first = await open(customer, "Where is it?");
  const second = await open(await place.shop.register("Lee Jun"), "And mine?");
  expect(await typed("agents")).toBe("Nobody has ever said that they help.\n");
  const status = { status: "away", capacity: 1 };
  expectStatus(await place.shop.call("PUT", "/agents/me", { token: agent.accessToken, body: status }), 200);
  const waiting = await typed("queue");
  expect(waiting).toMatch(
    new RegExp(`1 +${first} +Kim Minji .* Where is it\\?\\n2 +${second} +Lee Jun .* And mine\\?\\n`),
  );
  expect(await typed("agents")).toMatch(new RegExp(`${agent.user.id} .* away +no +0 +1\\n`));
  expect(await typed(`assign ${first} nobody`)).toBe("No agent is called nobody: agents lists those who help.\n");
  expect(await typed(`assign ${first} agent@example.com`, "y")).toContain(`has conversation ${first} now.\n`);
  expect(await typed(`assign ${second} ${agent.user.id} --yes`)).toBe("This agent has no place left.\n");
  expect(await typed("agents")).toMatch(/ away +no +1 +1\n/);
  expect(await typed("overview")).toMatch(/chat queue +1 conversation, the first opened \d+ s ago\n/);
});

it("shows where somebody is signed in, and ends that", async () => {
  const { user, refreshToken } = await place.shop.register("Park Seo");
  await place.shop.login(user.email, "correct-horse-42");
  const seen = await typed(`sessions ${user.email}`);
  expect(seen).toMatch(new RegExp(`user +Park Seo <${user.email}> \\(`));
  expect(seen).toMatch(/\n\n2 sessions\.\n/);
  const [, sid = ""] = /\n([0-9a-f-]{36}) +\d{4}-/.exec(seen) ?? [];
  expect(await typed(`sessions revoke ${sid} --yes`)).toBe("1 session ended.\n");
  expect(await typed(`sessions revoke ${sid} --yes`)).toMatch(/^There is no session .* that could be ended/);
  expect(await typed(`sessions revoke ${user.id}`, "y")).toMatch(/1 session ended of Park Seo; access tokens /);
  expect((await place.shop.call("POST", "/auth/refresh", { body: { refreshToken } })).status).toBe(401);
  expect(await typed(`sessions ${user.id}`)).toContain("Not signed in anywhere.");
  expect(await typed("sessions nobody@example.com")).toMatch(/^There is no user nobody@example.com/);
});

it("takes away a second factor that was lost", async () => {
  const { user, accessToken: token, refreshToken } = await place.shop.register("Choi Min");
  const { secret } = expectStatus(await place.shop.call<{ secret: string }>("POST", "/auth/mfa/totp", { token }), 200);
  const code = new TOTP({ secret }).generate();
  expectStatus(await place.shop.call("POST", "/auth/mfa/totp/confirm", { token, body: { code } }), 200);
  expect(await typed("mfa")).toMatch(/^What the console does with second factors: mfa remove /);
  expect(await typed(`mfa remove ${user.email}`)).toMatch(/^Say why: --reason /);
  expect(await typed("mfa remove nobody@example.com --reason lost")).toBe("There is no user nobody@example.com.\n");
  expect(await typed(`mfa remove ${user.email} --reason "lost the phone"`, "n")).toContain("Nothing was done.");
  expect((await place.shop.call("POST", "/auth/refresh", { body: { refreshToken } })).status).toBe(200);
  expect(await typed(`mfa remove ${user.email} --reason "lost the phone"`, "y")).toMatch(
    /Choi Min .* signs in without a second factor now, has been signed out everywhere/,
  );
  expect((await place.shop.call("POST", "/auth/refresh", { body: { refreshToken } })).status).toBe(401);
  expect((await place.shop.login(user.email, "correct-horse-42")).user.id).toBe(user.id);
  expect(await typed(`mfa remove ${user.id} --reason again --yes`)).toMatch(/^Choi Min .* has no second factor\.\n$/);
});

it("looks after the dead letters of every topic", async () => {
  const listed = await typed("dead-letters");
  expect(listed).toMatch(/ 1 .* chat\.later\.invented +notification +4 .*\n +talk-1 +Error: no place for talk-1\n +2 /);
  expect(listed).toContain("2 dead letters of order-event and chat-message.");
  expect(await typed("dead-letters resend 1")).toBe("1 dead letter sent to chat-message again.\n");
  expect(await typed("dead-letters drop 2", "n")).toContain("Nothing was done.");
  expect(await typed("dead-letters drop 2", "y")).toContain("1 dead letter dropped.");
  expect(await typed("dead-letters")).toBe("There are no dead letters of order-event and chat-message.\n");
});

it("reads and changes the configuration, and takes it back", async () => {
  expect(await typed("config get order.shippingFee")).toMatch(/\norder +order\.shippingFee +3000 /);
  expect(await typed("config get")).toMatch(/\nchat +chat\.capacity .*\n(.*\n)*order +order\.paymentWindow +/);
  expect(await typed("config set order.shippingFee 4100")).toMatch(
    /^order\.shippingFee of order is 4100 \(.*version \d+\.\n/,
  );
  await eventually(async () => (await placed()).totals.total.amount === 2 * 10_000 + 4100);
  expect(await typed("config set order.shippingFee much")).toMatch(/^Not accepted: .*order\.shippingFee/);
  expect(await typed("config set order.nothing 1")).toMatch(/has no key order\.nothing: config get lists them\.\n$/);
  expect(await typed("config set payment.toss.secretKey live_sk_1")).toMatch(
    /^payment\.toss\.secretKey is secret, and what is typed here is kept in a file: encrypt it/,
  );
  expect(await typed("config unset order.shippingFee")).toMatch(/is 3000 \(/);
  const history = await typed("config history");
  expect(history).toMatch(/ 2 .*@.* order\.shippingFee: 4100 -> -\n +1 .* order\.shippingFee: - -> 4100\n/);
  const policies = JSON.stringify([
    { actions: "order.*", timeout: 4000, retries: 0, breaker: { minCalls: 50, openMs: 2000 } },
  ]);
  await shop.type(`config set resilience.policies '${policies}'`);
  expect(await shop.type("config history --full")).toContain(`resilience.policies: - -> ${policies}\n`);
  await typed("config rollback 2", "y");
  expect(await typed("config rollback 1", "y")).toMatch(/Version 5 is what 1 was\./);
  expect(await typed("config get order.shippingFee")).toMatch(/ 4100 /);
});

it("changes how much is logged, everywhere or on one node", async () => {
  expect(await typed("log-level loud")).toMatch(/^"loud" is no level: use one of fatal, error, /);
  expect(await typed("log-level error")).toMatch(/^Every node logs from error on \(configuration version \d+\)\.\n$/);
  expect(await typed("config get log.level")).toMatch(/application +log\.level +error /);
  expect(await typed("log-level fatal --service order")).toMatch(/^Service order logs from fatal on/);
  expect(await typed(`log-level ${NODE} fatal`)).toMatch(/^Node shop-under-test logs from fatal on, until it ends/);
  expect(await typed(`log-level ${NODE} configured`)).toBe(`Node ${NODE} logs as the configuration says.\n`);
  expect(await typed("log-level fatal")).toMatch(/^Every node logs from fatal on/);
});

it("takes a node out of service and back", async () => {
  const ready = async () => (await fetch(`http://127.0.0.1:${place.ports.ops}/health/ready`)).status;
  expect(await typed("drain nowhere --yes")).toBe(`There is no node nowhere: there are ${NODE}.\n`);
  const refused = await typed(`drain ${NODE}`, "n");
  expect(refused).toMatch(/No other node takes work for api, auth, .*order, .*user\.\nDrain node \S+\? \(y\/N\)/);
  expect(refused).toContain("Nothing was done.");
  expect(await typed(`drain ${NODE}`, "y")).toContain(`Node ${NODE} is draining.`);
  expect(await ready()).toBe(503);
  expect(await typed("overview")).toMatch(/\nMissing\n(.*\n)*order: no node that takes work hosts it\n/);
  expect(await typed(`undrain ${NODE}`)).toBe(`Node ${NODE} is running.\n`);
  await eventually(async () => (await ready()) === 200);
});

it("shows an order that does not go on, and has it taken up once what it lacked is back", async () => {
  const order = await placed();
  const paymentKey = await place.shop.checkout(order);
  expect(await typed("orders stuck")).toBe("No order is stuck.\n");
  expect(await typed(`orders retry ${order.number}`)).toMatch(/^Order \S+ waits for its customer to pay, until /);
  await shop.type("destroy payment");
  expect((await place.shop.confirm(customer.accessToken, order, paymentKey)).status).toBe(503);
  const stuck = await eventually(async () => {
    const seen = await typed("orders stuck");
    return seen !== "No order is stuck.\n" && seen;
  }, 20_000);
  expect(stuck).toMatch(new RegExp(`${order.number} +awaiting_payment +settle .* [3-9] times +SERVICE_NOT_`));
  expect(await typed("overview")).toMatch(/\nMissing\n(.*\n)*payment: no node that takes work hosts it\n/);
  expect(await typed("payments reconcile")).toMatch(/^No node that takes work hosts payment: overview shows /);
  expect(await typed(`order ${order.number}`)).toMatch(/\nNot told\npayment: No node that takes work hosts payment/);
  await shop.type("load services/payment/payment.service.ts");
  expect(await typed(`orders retry ${order.id}`)).toMatch(
    new RegExp(`^Order ${order.number} is taken up now \\(next: settle`),
  );
  await eventually(async () => (await typed("orders stuck")) === "No order is stuck.\n");
  const retried = await place.shop.confirm(customer.accessToken, order, paymentKey);
  expect(expectStatus(retried, 200).status).toBe("paid");
}, 60_000);
