import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { which } from "../../lib/infra/programs";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { CARD, expectStatus, type Shop } from "./shop";

let place: Place;
let shop: Shop;
let stop: () => Promise<unknown>;
beforeAll(async () => {
  place = await newPlace();
  const node = await place.start();
  stop = () => node.stop();
  shop = place.shop;
}, 60_000);
afterAll(async () => {
  await stop();
  place.remove();
}, 30_000);

const scrape = async () => (await fetch(`http://127.0.0.1:${place.ports.ops}/metrics`)).text();

/** The value of a series, named as Prometheus writes it. */
const figure = (text: string, series: string): number | undefined => {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};
const figures = async (...series: string[]) => {
  const text = await scrape();
  return series.map((one) => figure(text, one));
};

const promtool = which("promtool");

it("says that the node is ready, and what it needs there", async () => {
  expect(await figures("shop_ready", 'shop_dependency_up{dependency="store"}')).toEqual([1, 1]);
});

it("counts orders by their steps, payments by what they became, and what could not be had", async () => {
  const admin = (await shop.admin()).accessToken;
  const { sku } = await shop.newProduct(admin, 2);
  const { accessToken: token } = await shop.register();
  expectStatus(await shop.place(token, [{ sku, quantity: 3 }]), 409);
  const order = expectStatus(await shop.place(token, [{ sku, quantity: 2 }]), 201);
  expectStatus(await shop.confirm(token, order, await shop.checkout(order, CARD.declined)), 402);
  expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
  const cancel = { token, key: randomUUID(), body: { reason: "too large" } };
  expectStatus(await shop.call("POST", `/orders/${order.id}/cancel`, cancel), 200);

  const text = await scrape();
  const seen = Object.fromEntries(
    [
      'shop_stock_rejected_total{reason="insufficient"}',
      ...["placed", "paid", "cancelled"].map((step) => `shop_orders_total{step="${step}"}`),
      ...["captured", "declined"].map(
        (outcome) => `shop_payment_attempts_total{provider="sandbox",outcome="${outcome}"}`,
      ),
      ...["failed", "paid", "refunded"].map(
        (outcome) => `shop_payments_total{provider="sandbox",outcome="${outcome}"}`,
      ),
      'shop_payment_refunds_total{provider="sandbox",outcome="refunded"}',
      'shop_action_duration_seconds_count{action="order.pay",outcome="refused"}',
      'shop_http_request_duration_seconds_count{method="POST",route="orders/:id/payment",status="402"}',
    ].map((series) => [series, figure(text, series)]),
  );
  expect(seen).toEqual(Object.fromEntries(Object.keys(seen).map((series) => [series, 1])));
  expect(await figures('shop_payments_stuck{why="retrying"}', 'shop_payments_stuck{why="unreturned"}')).toEqual([0, 0]);
  // Labels name routes and actions, never what is asked for.
  expect(text).not.toContain(order.id);
});

it("tells who waits for an agent and for how long, and how long the first answer took", async () => {
  const { accessToken: token } = await shop.register();
  const body = { text: "Hello?", clientMsgId: randomUUID() };
  const { id } = expectStatus(await shop.call<{ id: string }>("POST", "/conversations", { token, body }), 201);
  await eventually(async () => {
    const [length, oldest = 0] = await figures("shop_chat_queue_length", "shop_chat_queue_oldest_seconds");
    return length === 1 && oldest > 0.2 && oldest < 30;
  });
  const agent = (await shop.login("agent@example.com", "demo-password-1234")).accessToken;
  expectStatus(await shop.call("POST", `/conversations/${id}/claim`, { token: agent }), 200);
  for (const text of ["Hello!", "How can I help?"]) {
    const said = { token: agent, body: { text, clientMsgId: randomUUID() } };
    expectStatus(await shop.call("POST", `/conversations/${id}/messages`, said), 201);
  }
  expect(
    await figures("shop_chat_first_response_seconds_count", 'shop_chat_first_response_seconds_bucket{le="30"}'),
  ).toEqual([1, 1]);
  await eventually(async () => {
    const seen = await figures("shop_chat_queue_length", "shop_chat_queue_oldest_seconds");
    return seen.every((value) => value === 0);
  });
});

(promtool ? it : it.skip)("passes promtool's check of metrics", async () => {
  const { status, stderr, stdout } = spawnSync(promtool ?? "", ["check", "metrics"], { input: await scrape() });
  expect(`${status} ${stderr}${stdout}`).toBe("0 ");
});
