import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { newId } from "../../lib/ids";
import { sandboxUrl } from "../../services/payment/sandbox/address";
import sandboxService from "../../services/payment/sandbox.service";
import { eventually, startNode, type TestNode } from "./node";

const AUTHORIZATION = `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}`;

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** The shop's end of the webhooks. */
async function receiver() {
  const seen: { eventType: string; data: { paymentKey: string; status: string } }[] = [];
  const state = { status: 200 };
  const server: Server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    seen.push(JSON.parse(text));
    response.writeHead(state.status).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { seen, state, url: `http://127.0.0.1:${port}/hooks`, close: () => server.close() };
}

let node: TestNode;
let hooks: Awaited<ReturnType<typeof receiver>>;

const start = (environment: Record<string, string> = {}) =>
  startNode([sandboxService], { SANDBOX_PORT: "0", LEASE_MS: "300", SANDBOX_WEBHOOK_URL: hooks.url, ...environment });

beforeAll(async () => {
  hooks = await receiver();
  node = await start();
});
afterAll(async () => {
  await node.stop();
  hooks.close();
});

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${sandboxUrl(node.broker, "node")}${path}`, {
    method,
    headers: { Authorization: AUTHORIZATION, "Content-Type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
}

async function pay(card = "4242424242424242", amount: unknown = 1000) {
  const orderId = newId();
  const { status, body } = await ask("POST", "/checkout", { orderId, amount, card }, { Authorization: "" });
  expect(status).toBe(200);
  return { orderId, paymentKey: String(body.paymentKey), amount: 1000 };
}

const confirm = (body: object, key = newId()) => ask("POST", "/v1/payments/confirm", body, { "Idempotency-Key": key });

describe("the checkout", () => {
  it("is open to pages of any origin and takes the shop's money object too", async () => {
    const response = await fetch(`${sandboxUrl(node.broker, "node")}/checkout`, { method: "OPTIONS" });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-headers")).toContain("Content-Type");
    await pay("4242424242424242", { amount: 1000, currency: "KRW" });
    const page = await fetch(`${sandboxUrl(node.broker, "node")}/checkout?orderId=1`);
    expect(page.headers.get("content-type")).toContain("text/html");
  });

  it.each([
    ["INVALID_CARD_NUMBER", { orderId: "order-1", amount: 1000, card: "4242424242424241" }],
    ["INVALID_CARD_NUMBER", { orderId: "order-1", amount: 1000 }],
    ["INVALID_REQUEST", { orderId: "order 1", amount: 1000, card: "4242424242424242" }],
    ["INVALID_REQUEST", { orderId: "order-1", amount: 10.5, card: "4242424242424242" }],
    ["INVALID_REQUEST", null],
  ])("refuses with %s: %j", async (code, body) => {
    expect(await ask("POST", "/checkout", body)).toMatchObject({ status: 400, body: { code } });
  });
});

describe("a confirmation", () => {
  it("needs the secret key", async () => {
    for (const Authorization of ["", "Basic x", `Basic ${Buffer.from("other:").toString("base64")}`])
      expect(await ask("POST", "/v1/payments/confirm", {}, { Authorization })).toMatchObject({ status: 401 });
  });

  it("captures once: the same key gets the same answer, another key a refusal", async () => {
    const charge = await pay();
    const [first, second] = await Promise.all([confirm(charge, "key-1"), confirm(charge, "key-1")]);
    expect(first).toMatchObject({ status: 200, body: { status: "DONE", totalAmount: 1000, balanceAmount: 1000 } });
    expect(second.body).toEqual(first.body);
    expect(await confirm(charge, "key-2")).toMatchObject({ status: 400, body: { code: "ALREADY_PROCESSED_PAYMENT" } });
  });

  it("is refused for another amount or order, and then captures nothing", async () => {
    const charge = await pay();
    for (const other of [{ amount: 999 }, { orderId: "another" }])
      expect(await confirm({ ...charge, ...other })).toMatchObject({ status: 400, body: { code: "INVALID_REQUEST" } });
    expect(await ask("GET", `/v1/payments/${charge.paymentKey}`)).toMatchObject({ body: { status: "IN_PROGRESS" } });
    expect(await confirm({ ...charge, paymentKey: "nothing" })).toMatchObject({ status: 404 });
  });

  it("of a declined card is final", async () => {
    const charge = await pay("4000000000000002");
    for (const _ of [1, 2])
      expect(await confirm(charge, "key-3")).toMatchObject({ status: 403, body: { code: "REJECT_CARD_PAYMENT" } });
    expect(await ask("GET", `/v1/payments/orders/${charge.orderId}`)).toMatchObject({ body: { status: "ABORTED" } });
  });

  it("of the failing card fails once", async () => {
    const charge = await pay("4000000000009995");
    expect(await confirm(charge, "key-4")).toMatchObject({ status: 500, body: { code: "PROVIDER_ERROR" } });
    expect(await confirm(charge, "key-4")).toMatchObject({ status: 200, body: { status: "DONE" } });
  });
});

describe("a cancellation", () => {
  const cancel = (paymentKey: string, cancelAmount: number | undefined, key = newId()) =>
    ask("POST", `/v1/payments/${paymentKey}/cancel`, { cancelReason: "x", cancelAmount }, { "Idempotency-Key": key });

  it("gives back parts until nothing is left, once for each key", async () => {
    const charge = await pay();
    await confirm(charge);
    for (const _ of [1, 2])
      expect(await cancel(charge.paymentKey, 300, "once")).toMatchObject({ body: { balanceAmount: 700 } });
    expect(await cancel(charge.paymentKey, 701)).toMatchObject({
      status: 403,
      body: { code: "NOT_CANCELABLE_AMOUNT" },
    });
    expect(await cancel(charge.paymentKey, undefined)).toMatchObject({
      body: { status: "CANCELED", balanceAmount: 0 },
    });
    expect(await cancel(charge.paymentKey, 1)).toMatchObject({ body: { code: "ALREADY_CANCELED_PAYMENT" } });
  });

  it("of parts at once never gives back more than there is", async () => {
    const charge = await pay();
    await confirm(charge);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => cancel(charge.paymentKey, 300)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
  });

  it("is refused for what was not captured", async () => {
    const { paymentKey } = await pay();
    expect(await cancel(paymentKey, 1)).toMatchObject({ status: 403, body: { code: "NOT_CANCELABLE_PAYMENT" } });
  });
});

describe("webhooks of the sandbox", () => {
  const about = (paymentKey: string) => hooks.seen.filter(({ data }) => data.paymentKey === paymentKey);

  it("tell each change, and again until they are answered 200", async () => {
    const charge = await pay();
    hooks.state.status = 500;
    await confirm(charge);
    await eventually(() => about(charge.paymentKey).length >= 2);
    hooks.state.status = 200;
    const seen = about(charge.paymentKey).length;
    await eventually(() => about(charge.paymentKey).length > seen);
    expect(about(charge.paymentKey)[0]).toMatchObject({
      eventType: "PAYMENT_STATUS_CHANGED",
      data: { status: "DONE" },
    });
  });

  it("survive a restart, as the charges do", async () => {
    const first = await start();
    const { node: shared } = { node };
    node = first;
    const charge = await pay();
    hooks.state.status = 500;
    await confirm(charge);
    await eventually(() => about(charge.paymentKey).length >= 1);
    await first.broker.stop();
    hooks.state.status = 200;
    const before = about(charge.paymentKey).length;
    node = await start({ DATA_DIR: first.dataDir });
    await eventually(() => about(charge.paymentKey).length > before);
    expect(await ask("GET", `/v1/payments/${charge.paymentKey}`)).toMatchObject({ body: { status: "DONE" } });
    await node.stop();
    node = shared;
  });
});
