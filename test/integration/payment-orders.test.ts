import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { readEnvironment } from "../../lib/environment";
import { nodeOf } from "../../lib/node";
import { brokerOptions } from "../../moleculer.config";
import { sandboxUrl } from "../../services/payment/sandbox/address";
import sandboxService from "../../services/payment/sandbox.service";
import { eventually, startNode, type TestNode } from "./node";
import { type Lab, sandboxLab } from "./payment.labs";
import { close, confirm, hook, look, orderDouble, PRICE, prepare, startPayment } from "./payment.parts";

let lab: Lab & { sandboxUrl: string };
let node: TestNode;
const order = orderDouble();

beforeAll(async () => {
  lab = await sandboxLab();
  node = await startPayment(lab, order);
});
afterEach(() => lab.gate.open());
afterAll(async () => {
  await node.stop();
  await lab.stop();
});

const status = (payment: { id: string }, wanted: string) =>
  eventually(async () => (await look(node, payment)).status === wanted);

/** How many webhooks were looked into, whatever came of it. */
async function webhooksHandled(): Promise<number> {
  const metrics = await nodeOf(node.broker).metrics.registry.getMetricsAsJSON();
  const found = metrics.find(({ name }) => name === "shop_payment_webhooks_total");
  return (found?.values ?? []).reduce(
    (sum, { value, labels }) => (labels.outcome === "received" ? sum : sum + value),
    0,
  );
}

describe("two charges for one order", () => {
  it("confirmed at once: one pays, the other is refused and never captured", async () => {
    const payment = await prepare(node);
    const keys = await Promise.all([lab.pay(payment, "approved"), lab.pay(payment, "approved")]);
    const results = await Promise.allSettled(keys.map((key) => confirm(node, payment, key)));
    expect(results.map((result) => (result.status === "fulfilled" ? "paid" : result.reason.type)).sort()).toEqual([
      "PAYMENT_CLOSED",
      "paid",
    ]);
    const books = await Promise.all(keys.map((key) => lab.books(key)));
    expect(books.reduce((sum, { captured }) => sum + captured, 0)).toBe(PRICE);
  });

  it("a second one that was captured elsewhere is given back", async () => {
    const payment = await prepare(node);
    const [paying, surplus] = [await lab.pay(payment, "approved"), await lab.pay(payment, "approved")];
    await confirm(node, payment, paying);
    await lab.capture(payment, surplus);
    await hook(node, "sandbox", await lab.delivery(surplus));
    await eventually(async () => (await lab.books(surplus)).refunded === PRICE);
    expect(await look(node, payment)).toMatchObject({ status: "paid", refunded: { amount: 0 } });
    expect(await lab.books(paying)).toEqual({ captured: PRICE, refunded: 0 });
  });

  it("a second one waits until the first one's outcome is known", async () => {
    const payment = await prepare(node);
    const [first, second] = [await lab.pay(payment, "declined"), await lab.pay(payment, "approved")];
    lab.gate.holding = /confirm/;
    const declined = confirm(node, payment, first);
    declined.catch(() => undefined);
    await eventually(() => lab.gate.held.length > 0);
    const paid = confirm(node, payment, second);
    lab.gate.open();
    await expect(declined).rejects.toMatchObject({ type: "PAYMENT_DECLINED" });
    expect(await paid).toMatchObject({ status: "paid", paymentKey: second });
  });
});

describe("a late payment", () => {
  it("for a dead order is given back by itself when its webhook comes", async () => {
    const payment = await prepare(node);
    const key = await lab.pay(payment, "approved");
    await close(node, payment);
    await status(payment, "cancelled");
    await lab.capture(payment, key);
    await hook(node, "sandbox", await lab.delivery(key));
    await status(payment, "refunded");
    expect(await lab.books(key)).toEqual({ captured: PRICE, refunded: PRICE });
    await eventually(() => order.told.includes(payment.orderId));
  });
});

describe("a webhook", () => {
  it("about no payment of ours changes nothing", async () => {
    const body = JSON.stringify({ eventType: "PAYMENT_STATUS_CHANGED", data: { paymentKey: "unknown_key" } });
    expect(await hook(node, "sandbox", { body, headers: {} })).toEqual({});
    const about = JSON.stringify({ eventType: "DEPOSIT_CALLBACK", data: { orderId: "x" } });
    expect(await hook(node, "sandbox", { body: about, headers: {} })).toEqual({});
  });

  it("is believed in nothing but which charge to ask for", async () => {
    const payment = await prepare(node);
    const paymentKey = await lab.pay(payment, "approved");
    const data = { paymentKey, orderId: payment.orderId, status: "DONE", totalAmount: PRICE, balanceAmount: PRICE };
    const before = await webhooksHandled();
    await hook(node, "sandbox", { body: JSON.stringify({ eventType: "PAYMENT_STATUS_CHANGED", data }), headers: {} });
    await eventually(async () => (await webhooksHandled()) > before);
    expect(await look(node, payment)).toMatchObject({ status: "ready" });
  });

  it.each([
    ["sandbox", "MALFORMED_JSON", 400, "{"],
    ["sandbox", "PAYLOAD_TOO_LARGE", 413, "x".repeat(300_000)],
    ["stripe", "PROVIDER_NOT_FOUND", 404, "{}"],
    ["nobody", "PROVIDER_NOT_FOUND", 404, "{}"],
  ])("to %s that is none is refused: %s", async (provider, type, code, body) => {
    await expect(hook(node, provider, { body, headers: {} })).rejects.toMatchObject({ code, type });
  });
});

describe("a payment over REST", () => {
  const as = (id: string, ...roles: ("customer" | "agent" | "admin")[]) => ({ user: { id, roles, sid: "session-1" } });

  it("is shown to its customer and to admins, and is not there for others", async () => {
    const payment = await prepare(node, "customer-7");
    const get = (meta: object) => node.as<object>(meta, "payment.get", { id: payment.id });
    expect(await get(as("customer-7", "customer"))).toMatchObject({ id: payment.id, client: payment.client });
    expect(await get(as("boss", "admin"))).not.toHaveProperty("client");
    for (const meta of [as("customer-8", "customer"), as("agent-1", "agent"), {}])
      await expect(get(meta)).rejects.toMatchObject({ code: 404, type: "PAYMENT_NOT_FOUND" });
    await expect(node.as(as("boss", "admin"), "payment.get", { id: "no-such" })).rejects.toMatchObject({ code: 404 });
  });
});

it("adds up: what was captured less what was given back is what dead orders have left, nothing", async () => {
  const totals = () => node.as<{ captured: { amount: number }; refunded: { amount: number } }>({}, "payment.totals");
  const before = await totals();
  for (const card of ["approved", "hangs", "failsOnce"] as const) {
    const payment = await prepare(node);
    const confirming = confirm(node, payment, await lab.pay(payment, card));
    confirming.catch(() => undefined);
    await close(node, payment);
    await confirming.catch(() => undefined);
  }
  await eventually(async () => {
    const { captured, refunded } = await totals();
    return captured.amount - before.captured.amount === refunded.amount - before.refunded.amount;
  });
});

it("a sandbox port that is taken is named", async () => {
  const { port } = new URL(lab.sandboxUrl);
  const settings = { SANDBOX_PORT: port, OPS_PORT: "0", LOG_LEVEL: "fatal", DATA_DIR: join(node.dataDir, "taken") };
  const broker = new ServiceBroker(brokerOptions(readEnvironment(settings)));
  broker.createService(sandboxService(broker));
  await expect(broker.start()).rejects.toThrow(/SANDBOX_PORT/);
  await broker.stop();
});

it("no card number and no secret is in any file", async () => {
  const own = await startNode([sandboxService], { SANDBOX_PORT: "0" });
  const body = JSON.stringify({
    orderId: "order-1",
    amount: { amount: 100, currency: "KRW" },
    card: "4242424242424242",
  });
  const answer = await fetch(`${sandboxUrl(own.broker, "node")}/checkout`, { method: "POST", body });
  expect(answer.status).toBe(200);
  const texts = [node, own].flatMap(({ dataDir }) =>
    readdirSync(dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
  expect(texts.join("\n")).toContain("order-1");
  expect(texts.join("\n")).not.toMatch(/4242424242424242|test_sk_sandbox/);
  await own.stop();
});
