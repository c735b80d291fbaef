import { nodeOf } from "../../lib/node";
import { pass } from "./auth.clock";
import { eventually, type TestNode } from "./node";
import { type Lab, sandboxLab } from "./payment.labs";
import { close, confirm, hook, look, orderDouble, PRICE, prepare, startPayment } from "./payment.parts";
import { type SlowProvider, slowProvider } from "./slow-provider";

const LONGEST_PAUSE_MS = 30_000;

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

/** Each failure makes the pause before the next try longer, up to half a minute: lets those pass, until `isReached`. */
async function triedUntil(isReached: () => Promise<boolean>): Promise<void> {
  const { fate } = provider;
  let tries = 0;
  provider.fate = (path) => {
    tries++;
    return fate(path);
  };
  while (!(await isReached())) {
    const before = tries;
    pass(LONGEST_PAUSE_MS);
    await eventually(async () => tries > before || isReached());
  }
}

it("tells of money of a dead order that the provider does not give back, until it did", async () => {
  const payment = await prepare(node);
  const key = await lab.pay(payment, "approved");
  await confirm(node, payment, key);
  expect(await stuck("unreturned")).toBe(0);
  provider.fate = (path) => (path.endsWith("/cancel") ? { refusal: "NOT_CANCELABLE_PAYMENT" } : {});
  await close(node, payment);
  expect(await stuck("unreturned")).toBe(0);
  await triedUntil(async () => (await stuck("unreturned")) === 1);
  expect((await lab.books(key)).refunded).toBe(0);
  // Somebody gave it back at the provider's desk.
  provider.fate = () => ({});
  await lab.giveBack(key, PRICE);
  await hook(node, "sandbox", await lab.delivery(key));
  await eventually(async () => (await look(node, payment)).status === "refunded");
  await eventually(async () => (await stuck("unreturned")) === 0);
});

it("tells of payments that are asked about in vain", async () => {
  const payment = await prepare(node);
  const key = await lab.pay(payment, "approved");
  provider.fate = () => ({ loseAnswer: true });
  await expect(confirm(node, payment, key)).rejects.toMatchObject({ code: 503 });
  expect(await stuck("retrying")).toBe(0);
  await triedUntil(async () => (await stuck("retrying")) === 1);
  provider.fate = () => ({});
});
