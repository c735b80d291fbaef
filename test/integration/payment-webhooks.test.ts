import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServiceBroker } from "moleculer";
import { Metrics } from "../../lib/metrics";
import { won } from "../../lib/money";
import { NedbStore } from "../../lib/store/nedb";
import { now } from "../../lib/time";
import { Background } from "../../services/payment/background";
import { paymentMetrics } from "../../services/payment/payment.metrics";
import type { PaymentProcess } from "../../services/payment/payment.process";
import { openReceived, type Received, ReceivedStore } from "../../services/payment/payment.store";
import { PaymentWebhooks } from "../../services/payment/payment.webhooks";
import type { Found } from "../../services/payment/providers/provider";
import type { Providers } from "../../services/payment/providers/providers";
import { tossProvider } from "../../services/payment/providers/toss";
import { pass } from "./auth.clock";

const HOUR = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), "shop-"));
const received = openReceived(new NedbStore(folder));
const away: Found = { kind: "unknown", reason: "ECONNREFUSED" };
let answer: Found = away;
let asked = 0;
let observed = 0;

const toss = tossProvider({
  name: "toss",
  url: () => "http://127.0.0.1:9",
  secretKey: () => "",
  timeoutMs: 100,
  client: () => ({}),
});
const provider = {
  ...toss,
  fetch: async () => {
    asked++;
    return answer;
  },
};
const logger = { warn: () => undefined } as unknown as ServiceBroker["logger"];
const background = new Background(logger);
const webhooks = new PaymentWebhooks({
  store: new ReceivedStore(received, 10_000),
  providers: { chosen: provider, named: () => provider } satisfies Providers,
  process: {
    observed: async () => {
      observed++;
      return {};
    },
  } as unknown as PaymentProcess,
  metrics: paymentMetrics(new Metrics()),
  background,
});

beforeAll(() => received.open());
beforeEach(() => {
  answer = away;
  asked = 0;
  observed = 0;
});
afterAll(async () => {
  await received.close();
  rmSync(folder, { recursive: true, force: true });
});

let keys = 0;
async function receive(): Promise<string> {
  const paymentKey = `key-${++keys}`;
  await webhooks.receive("toss", JSON.stringify({ data: { paymentKey } }), {}, async () => ({}) as never);
  await background.idle();
  return paymentKey;
}
const held = async (paymentKey: string): Promise<Received | null> => received.findOne({ paymentKey });

/** Lets time pass until the webhook is due, and takes it up as the sweeper does. False when nothing is left to do. */
async function sweep(paymentKey: string): Promise<boolean> {
  const webhook = await held(paymentKey);
  if (!webhook?.due) return false;
  pass(Math.max(0, Date.parse(webhook.due) - Date.now()));
  await webhooks.handle(webhook).catch(() => undefined);
  return true;
}

it("about a late payment is handled when the provider was away for eleven hours", async () => {
  const key = await receive();
  const until = Date.now() + 11 * HOUR;
  while (Date.now() < until) expect(await sweep(key)).toBe(true);
  answer = {
    kind: "found",
    charge: { paymentKey: key, orderId: "order-1", amount: won(100), refunded: 0, state: "captured" },
  };
  const back = Date.now();
  await sweep(key);
  // A second more than the longest pause: real time passes as well.
  expect(Date.now() - back).toBeLessThan(HOUR / 2 + 1000);
  expect(observed).toBe(1);
  expect(await held(key)).toHaveProperty("handledAt");
});

it("about nothing that can be asked for is asked about more and more rarely, and let go after half a day", async () => {
  const key = await receive();
  const began = Date.now();
  while (await sweep(key)) if (asked > 100) throw new Error("it never ends");
  expect(asked).toBeLessThan(40);
  expect(Date.now() - began).toBeGreaterThan(11.5 * HOUR);
  expect(Date.now() - began).toBeLessThan(13 * HOUR);
  expect(await held(key)).toHaveProperty("handledAt");
});

it("about a key that the provider does not know is asked about once", async () => {
  answer = { kind: "not-found" };
  const key = await receive();
  expect(await held(key)).toMatchObject({ handledAt: expect.any(String) });
  expect(await sweep(key)).toBe(false);
  expect([asked, observed]).toEqual([1, 0]);
});

it("is left to the node that took it meanwhile", async () => {
  const key = await receive();
  const stale = await held(key);
  if (!stale) throw new Error("it is not there");
  const taken = await received.update({ _id: stale._id }, { $set: { due: now() } });
  await webhooks.handle(stale).catch(() => undefined);
  expect(await held(key)).toEqual(taken);
});

it.each([".", ".."])("about the key %s asks for no other page of the provider", async (key) => {
  expect(await toss.fetch(key)).toEqual({ kind: "not-found" });
});
