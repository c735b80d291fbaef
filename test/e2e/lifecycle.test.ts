import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { launchNode, type ShopNode } from "../../lib/infra/nodes";
import { freePorts } from "../../lib/infra/ports";
import { commandOf } from "../compiled";
import { eventually } from "../integration/node";
import { newPlace, type Place } from "./node";
import { heldFor } from "./provider";
import { CARD, expectStatus } from "./shop";

let place: Place;
let node: ShopNode | undefined;
beforeEach(async () => {
  place = await newPlace();
});
afterEach(async () => {
  await node?.kill();
  node = undefined;
  place.remove();
});

const health = async () => (await fetch(`http://127.0.0.1:${place.ports.ops}/health/ready`)).json();

it("finishes what it took when it is told to end, and ends with 0 within ten seconds", async () => {
  node = await place.start({ PAYMENT_TIMEOUT_MS: "2000", DRAIN_MS: "2500" });
  const { shop } = place;
  const admin = (await shop.admin()).accessToken;
  const { sku } = await shop.newProduct(admin, 5);
  const { accessToken: token } = await shop.register();
  const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
  // The provider does not answer this card's confirmation: the request is in flight for seconds.
  const paying = shop.confirm(token, order, await shop.checkout(order, CARD.timesOut));
  await eventually(async () => (await heldFor(place.ports.sandbox, order.id)) > 0);
  const began = Date.now();
  node.signal("SIGTERM");
  // It throws once nobody answers there any more.
  await eventually(async () => ((await health()) as { status: string }).status === "unavailable");
  expect((await shop.products("?limit=1")).length).toBe(1);
  expect([200, 503]).toContain((await paying).status);
  expect(await node.exited).toEqual({ code: 0, signal: null });
  expect(Date.now() - began).toBeLessThan(10_000);
});

it("has everything that it acknowledged after kill -9", async () => {
  node = await place.start();
  const { shop } = place;
  const admin = (await shop.admin()).accessToken;
  const { sku } = await shop.newProduct(admin, 100);
  const { accessToken: token } = await shop.register();
  const acknowledged: string[] = [];
  const buying = Array.from({ length: 4 }, async () => {
    for (;;) {
      const answer = await shop.place(token, [{ sku, quantity: 1 }]).catch(() => undefined);
      if (answer?.status !== 201) return;
      acknowledged.push(answer.body.id);
    }
  });
  await eventually(() => acknowledged.length >= 12);
  await node.kill();
  await Promise.all(buying);
  node = await place.start({ LEASE_MS: "300" });
  for (const id of acknowledged) expect((await shop.order(token, id)).status).toBe("awaiting_payment");
  // Orders that nobody was told of may be there as well; stock knows of each exactly once.
  await eventually(async () => {
    const { body } = await shop.call<{ items: object[] }>("GET", "/orders?limit=100", { token });
    const { available, reserved, sold } = await shop.stock(admin, sku);
    return reserved === body.items.length && available + reserved + sold === 100;
  });
}, 60_000);

it("cancels an order that nobody paid at most five seconds after its window, and its stock is free again", async () => {
  node = await place.start({ ORDER_PAYMENT_WINDOW: "1" });
  const { shop } = place;
  const admin = (await shop.admin()).accessToken;
  const { sku } = await shop.newProduct(admin, 5);
  const { accessToken: token } = await shop.register();
  const order = expectStatus(await shop.place(token, [{ sku, quantity: 2 }]), 201);
  const ended = await eventually(async () => {
    const seen = await shop.order(token, order.id);
    return seen.status === "cancelled" && seen;
  });
  const { at, by, reason } = ended.history.at(-1) ?? { at: "", by: "" };
  expect({ by, reason }).toEqual({ by: "system", reason: "expired" });
  expect(Date.parse(at) - Date.parse(order.expiresAt ?? "")).toBeLessThan(5000);
  expect(ended.expiresAt).toBeUndefined();
  await eventually(async () => (await shop.stock(admin, sku)).available === 5);
  // A payment that comes too late is not kept.
  const late = await shop.confirm(token, order, await shop.checkout(order));
  expect([late.status, late.body.code]).toEqual([409, "ORDER_NOT_PAYABLE"]);
});

/** Why a node with this environment does not start, as one line for whoever started it. */
async function refusal(env: Record<string, string>): Promise<string> {
  const [http = 0, ops = 0, sandbox = 0] = await freePorts(3);
  const ports = { http, ops, sandbox };
  const command = commandOf("bin/start");
  const other = launchNode({ name: "other", ports, command, env: { DATA_DIR: place.dataDir, ...env } });
  const { code } = await other.exited;
  expect(code).toBe(1);
  expect(other.output()).not.toMatch(/^ +at /m);
  return other.output().split("\n").at(-1) ?? "";
}

it("refuses to start in production without its secrets, naming the variable", async () => {
  const refused = await refusal({ NODE_ENV: "production", PAYMENT_PROVIDER: "sandbox" });
  for (const name of ["JWT_KEY_SECRET", "SANDBOX_SECRET_KEY"]) expect(refused).toContain(name);
});

it("refuses a data folder that another process has, naming the process", async () => {
  node = await place.start();
  expect(await refusal({ NODE_ENV: "test" })).toContain(`in use by process ${node.pid}`);
});

it.each(["PORT", "OPS_PORT", "SANDBOX_PORT"])("refuses a port that is taken, naming %s", async (variable) => {
  const holder = createServer().listen(0);
  try {
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    const reason = await refusal({ NODE_ENV: "test", [variable]: String(port) });
    expect(reason).toBe(`The shop does not start: Port ${port} is already in use: set ${variable}`);
  } finally {
    holder.close();
  }
});

it("refuses to host what is no service, naming it and those there are", async () => {
  const refused = await refusal({ NODE_ENV: "test", SERVICES: "order,orders" });
  expect(refused).toMatch(/SERVICES names .*: orders; there are api, auth, .*, user$/);
});
