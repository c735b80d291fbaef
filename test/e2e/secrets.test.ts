import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { newTraceparent, traceIdOf } from "../../lib/trace";
import { eventually } from "../integration/node";
import { expectHidden, storedIn } from "./hidden";
import { newPlace } from "./node";
import { ADDRESS, CARD, expectStatus, PASSWORD } from "./shop";

/** Where no payment provider answers. */
const NOBODY = "http://127.0.0.1:9";

interface Line {
  level: string;
  msg: string;
  requestId?: string;
  traceId?: string;
}

const linesOf = (output: string): Line[] =>
  output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Line] : []));

/** A server that refuses every mail, and quotes in its refusals whom it is for. */
async function quotingServer(): Promise<{ url: string; refused: string[]; close: () => void }> {
  const refused: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth: (_auth, _session, callback) => callback(null, { user: "shop" }),
    onRcptTo({ address }, _session, callback) {
      refused.push(address);
      callback(Object.assign(new Error(`<${address}>: no such mailbox`), { responseCode: 550 }));
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  const { port } = server.server.address() as AddressInfo;
  return { url: `smtp://shop:smtp-password@127.0.0.1:${port}`, refused, close: () => server.close(() => undefined) };
}

it("writes no password, token, card number or key to a log or to its files, even at the lowest level", async () => {
  const place = await newPlace();
  const node = await place.start({
    LOG_LEVEL: "trace",
    LOG_FORMAT: "json",
    JWT_KEY_SECRET: "jwt-key-secret-of-this-test-0123456789",
    SANDBOX_SECRET_KEY: "sandbox-secret-of-this-test",
  });
  const { shop } = place;
  const { accessToken: token, refreshToken, user } = await shop.register();
  const [product] = await shop.products("?limit=1");
  const sku = product?.variants[0]?.sku ?? "";
  const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
  expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
  await shop.call("POST", "/auth/login", { body: { email: user.email, password: `wrong-${PASSWORD}` } });
  await shop.call("POST", "/auth/refresh", { body: { refreshToken } });
  await shop.call("POST", "/auth/refresh", { body: { refreshToken: `${refreshToken}x` } });
  await shop.call("GET", "/users/me", { token: `${token}x` });
  await node.stop();

  const log = node.output();
  expect(log).toContain('"path":"/api/v1/auth/login"');
  const data = storedIn(place.dataDir);
  const secrets = { PASSWORD, token, refreshToken, card: CARD.good, key: "jwt-key-secret-of-this-test" };
  expectHidden({ log, data }, { ...secrets, provider: "sandbox-secret-of-this-test" });
  expect(data).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY/);
  place.remove();
}, 60_000);

it("writes nobody's address to its log, of mail or home, whatever libraries say in their errors", async () => {
  const mail = await quotingServer();
  const place = await newPlace();
  const node = await place.start({ LOG_LEVEL: "trace", LOG_FORMAT: "json", SMTP_URL: mail.url, LEASE_MS: "300" });
  const { shop } = place;
  const { accessToken: token, user } = await shop.register("Hong");
  expectStatus(await shop.call("POST", "/users/me/addresses", { token, body: ADDRESS }), 201);
  const again = { email: user.email, password: PASSWORD, name: "Hong" };
  expectStatus(await shop.call("POST", "/auth/register", { body: again }), 409);
  expectStatus(await shop.call("POST", "/auth/register", { body: { ...again, phone: ADDRESS.phone } }), 422);
  const { accessToken: admin } = await shop.admin();
  expectStatus(await shop.call("GET", `/users?email=${encodeURIComponent(user.email)}`, { token: admin }), 200);
  const [product] = await shop.products("?limit=1");
  const sku = product?.variants[0]?.sku ?? "";
  const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
  expectStatus(await shop.confirm(token, order, await shop.checkout(order)), 200);
  await eventually(() => mail.refused.includes(user.email));
  await eventually(() => node.output().includes("a mail is rejected"));
  expectStatus(await shop.call("DELETE", "/users/me", { token }), 204);
  await node.stop();
  mail.close();
  place.remove();

  const log = node.output();
  const personal = { email: user.email, ...ADDRESS, smtp: "smtp-password" };
  for (const [name, text] of Object.entries(personal))
    expect(`${name}: ${name !== "country" && log.includes(text) ? "in the log" : "hidden"}`).toBe(`${name}: hidden`);
}, 60_000);

it("puts the request's id and its trace on every line that a request causes", async () => {
  const place = await newPlace();
  const node = await place.start({
    LOG_LEVEL: "debug",
    LOG_FORMAT: "json",
    PAYMENT_TIMEOUT_MS: "300",
    SANDBOX_URL: NOBODY,
  });
  const { shop } = place;
  const { accessToken: token } = await shop.register();
  const [product] = await shop.products("?limit=1");
  const order = expectStatus(await shop.place(token, [{ sku: product?.variants[0]?.sku ?? "", quantity: 1 }]), 201);
  const [requestId, traceparent] = [`r-${randomUUID()}`, newTraceparent()];
  const { status } = await shop.call("POST", `/orders/${order.id}/payment`, {
    token,
    key: randomUUID(),
    body: { paymentKey: "key", amount: order.payment.client.amount },
    headers: { "X-Request-Id": requestId, traceparent },
  });
  expect(status).toBe(503);
  const mine = () => linesOf(node.output()).filter((line) => line.requestId === requestId);
  await eventually(() => mine().some(({ msg }) => msg === "request"));
  await node.stop();
  place.remove();

  expect(mine().map(({ msg }) => msg)).toEqual(expect.arrayContaining(["failed", "request"]));
  expect(new Set(mine().map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(traceparent)]));
  const lines = linesOf(node.output());
  expect(lines.filter(({ requestId: id, traceId }) => id && !traceId)).toEqual([]);
  expect(lines.filter(({ msg, requestId: id }) => msg === "request" && !id)).toEqual([]);
}, 60_000);
