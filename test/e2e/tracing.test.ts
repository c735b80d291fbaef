import type { ShopNode } from "../../lib/infra/nodes";
import { newTraceparent, spanIdOf, traceIdOf } from "../../lib/trace";
import type { ZipkinSpan } from "../../lib/tracing/span";
import { type Collector, startCollector } from "../integration/collector";
import { eventually } from "../integration/node";
import { call, connected, open } from "../integration/sockets.parts";
import { newPlace, type Place } from "./node";
import { ADDRESS, CARD, expectStatus, type Order, PASSWORD, type Shop, type Tokens } from "./shop";
import { above, lineOf, ofKind, withoutParent } from "./traces";

const SAID = "my number is 010-9876-5432";

let collector: Collector;
let place: Place;
let node: ShopNode;
let shop: Shop;
let kim: Tokens;
let order: Order;
let paymentKey: string;

beforeAll(async () => {
  collector = await startCollector();
  place = await newPlace();
  node = await place.start({ ZIPKIN_URL: collector.url });
  shop = place.shop as Shop;
  kim = await shop.register("Kim Yuna");
});
afterAll(async () => {
  await node.kill();
  place.remove();
  await collector.close();
});

const traceOf = (traceId: string): ZipkinSpan[] => collector.spans.filter((span) => span.traceId === traceId);
const linesAbove = (spans: ZipkinSpan[], span: ZipkinSpan | undefined) => span && above(spans, span).map(lineOf);

/** The trace once a consumer of each of the groups has had its part of it. */
const traceWith = (traceId: string, groups: string[]): Promise<ZipkinSpan[]> =>
  eventually(() => {
    const spans = traceOf(traceId);
    const seen = ofKind(spans, "CONSUMER").map(({ tags }) => tags.group);
    return groups.every((group) => seen.includes(group)) && spans;
  }, 20_000);

async function pay(traceparent: string): Promise<void> {
  const token = kim.accessToken;
  const [product] = await shop.products();
  order = expectStatus(await shop.place(token, [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }]), 201);
  paymentKey = await shop.checkout(order);
  const body = { paymentKey, amount: order.payment.client.amount };
  const path = `/orders/${order.id}/payment`;
  expectStatus(await shop.call("POST", path, { token, key: order.id, body, headers: { traceparent } }), 200);
}

it("a payment is one trace, from the request to what heard of it", async () => {
  const traceparent = newTraceparent();
  await pay(traceparent);
  const spans = await traceWith(traceIdOf(traceparent), ["notification", "chat", "product"]);
  const [request, ...others] = withoutParent(spans);
  expect(others).toEqual([]);
  expect(request).toMatchObject({
    parentId: spanIdOf(traceparent),
    kind: "SERVER",
    tags: { "http.method": "POST", "http.route": "orders/:id/payment", "http.status_code": "200" },
  });
  const asked = ofKind(spans, "CLIENT").find(({ remoteEndpoint }) => remoteEndpoint?.serviceName === "sandbox");
  expect(linesAbove(spans, asked)).toEqual([
    "- payment payment.confirm",
    "- order order.pay",
    "SERVER api post orders/:id/payment",
  ]);
  for (const consumer of ofKind(spans, "CONSUMER")) {
    expect(consumer.tags).toMatchObject({ topic: "order-event", "event.type": "order.paid" });
    expect(linesAbove(spans, consumer)).toEqual([
      "PRODUCER order publish order-event",
      "- order order.pay",
      "SERVER api post orders/:id/payment",
    ]);
  }
});

it("a message is one trace, from the socket to what heard of it", async () => {
  const client = await connected(open(shop.origin, kim.accessToken));
  const { id } = await call<{ id: string }>(client, "chat.open", { subject: "Help" });
  await call(client, "chat.send", { conversationId: id, clientMsgId: "m1", text: SAID });
  const isSend = (span: ZipkinSpan) => span.name === "chat.send" && span.kind === "SERVER";
  const { traceId } = await eventually(() => collector.spans.find(isSend));
  const spans = await traceWith(traceId, ["notification"]);
  expect(withoutParent(spans).map(lineOf)).toEqual(["SERVER api chat.send"]);
  expect(linesAbove(spans, ofKind(spans, "CONSUMER")[0])).toEqual([
    "PRODUCER chat publish chat-message",
    "- chat chat.send",
    "SERVER api chat.send",
  ]);
});

it("what a client does not want kept is not", async () => {
  const traceparent = newTraceparent(false);
  await pay(traceparent);
  const marker = newTraceparent();
  await shop.call("GET", "/categories", { headers: { traceparent: marker } });
  await eventually(() => traceOf(traceIdOf(marker)).length > 0);
  expect(traceOf(traceIdOf(traceparent))).toEqual([]);
});

it("a failure says its code, and no span who it was about", async () => {
  const secret = "sup3r-s3cret-t0ken";
  const asked = [
    shop.call("GET", `/products?q=${secret}`),
    shop.call("GET", `/nowhere/${secret}?token=${secret}`),
    shop.call("GET", `/orders/${secret}`, { token: kim.accessToken }),
    shop.call("POST", "/auth/login", { body: { email: kim.user.email, password: secret } }),
    shop.call("POST", "/auth/refresh", { body: { refreshToken: secret } }),
    shop.call("GET", "/users/me", { token: secret, headers: { "X-Request-Id": secret } }),
    shop.call("GET", `/stream?ticket=${secret}`),
    shop.call("POST", "/users/me/addresses", { token: kim.accessToken, body: ADDRESS }),
    shop.confirm(kim.accessToken, order, await shop.checkout(order, CARD.declined), secret),
  ];
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 404, 404, 401, 401, 401, 401, 201, 409]);
  // The last ones are sent as it ends.
  expect(await node.stop()).toEqual({ code: 0, signal: null });
  const codes = new Set(collector.spans.map(({ tags }) => tags["error.code"]));
  for (const code of ["NOT_FOUND", "ORDER_NOT_FOUND", "BAD_CREDENTIALS", "ORDER_NOT_PAYABLE"])
    expect(codes).toContain(code);
  const exported = collector.bodies.join("\n");
  const { user, accessToken, refreshToken } = kim;
  const personal = [user.email, user.name, user.id, accessToken, refreshToken, PASSWORD, secret, SAID, paymentKey];
  for (const text of [...personal, ...Object.values(CARD), ...Object.values(ADDRESS).slice(0, -1), "@example.com"])
    expect(exported).not.toContain(text);
});
