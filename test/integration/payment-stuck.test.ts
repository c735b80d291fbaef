import { nodeOf } from "../../lib/node";
import { eventually, type TestNode } from "./node";
import { type Lab, sandboxLab } from "./payment.labs";
import { close, confirm, hook, look, orderDouble, PRICE, prepare, startPayment } from "./payment.parts";
import { type SlowProvider, slowProvider } from "./slow-provider";

let lab: Lab & { sandboxUrl: string };
let provider: SlowProvider;
let node: TestNode;
beforeAll(async () => {
  lab = await sandboxLab();
  provider = await slowProvider(() => lab.sandboxUrl);
  node = await startPayment(lab, orderDouble(), { SANDBOX_URL: provider.url });
});
afterAll(async () => {
  await node.stop();
  await provider.close();
  await lab.stop();
});

const stuck = async (why: string) => {
  const text = await nodeOf(node.broker).metrics.registry.metrics();
  return Number(new RegExp(`^shop_payments_stuck\\{why="${why}"\\} (\\d+)$`, "m").exec(text)?.[1]);
};

it("tells of money of a dead order that the provider does not give back, until it did", async () => {
  const payment = await prepare(node);
  const key = await lab.pay(payment, "approved");
  await confirm(node, payment, key);
  expect(await stuck("unreturned")).toBe(0);
  provider.fate = (path) => (path.endsWith("/cancel") ? { refusal: "NOT_CANCELABLE_PAYMENT" } : {});
  await close(node, payment);
  // Five refusals, with longer and longer pauses in between.
  await eventually(async () => (await stuck("unreturned")) === 1, 30_000);
  expect((await lab.books(key)).refunded).toBe(0);
  // Somebody gave it back at the provider's desk.
  provider.fate = () => ({});
  await lab.giveBack(key, PRICE);
  await hook(node, "sandbox", await lab.delivery(key));
  await eventually(async () => (await look(node, payment)).status === "refunded");
  await eventually(async () => (await stuck("unreturned")) === 0);
}, 60_000);

it("tells of payments that are asked about in vain", async () => {
  const payment = await prepare(node);
  const key = await lab.pay(payment, "approved");
  provider.fate = () => ({ loseAnswer: true });
  await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 503 });
  expect(await stuck("retrying")).toBe(0);
  // Each failure makes the pause before the next one longer, up to half a minute.
  await eventually(async () => (await stuck("retrying")) === 1, 25_000);
  provider.fate = () => ({});
}, 40_000);
