import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { won } from "../../lib/money";
import { type PaymentCrashPoint, paymentCrashPoints } from "../../services/payment/payment.crash-points";
import paymentService from "../../services/payment/payment.service";
import { sandboxUrl } from "../../services/payment/sandbox/address";
import sandboxService from "../../services/payment/sandbox.service";
import { eventually, startNode, type TestNode } from "./node";
import { orderDouble, PRICE } from "./payment.parts";
import { together } from "./together";
import { killedAt } from "./victims";

type Story = "confirm" | "refund" | "close" | "webhook";

interface Victim {
  orderId: string;
  paymentKey: string;
}

/** Resolves when the process was killed at the point; rejects when it got past it. */
const crash = (dataDir: string, story: Story, at: PaymentCrashPoint) =>
  killedAt<Victim>("payment.victim", at, { DATA_DIR: dataDir, STORY: story });

async function books(node: TestNode, paymentKey: string) {
  const headers = { Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}` };
  const response = await fetch(`${sandboxUrl(node.broker, "node")}/v1/payments/${paymentKey}`, { headers });
  const charge = (await response.json()) as { status: string; totalAmount: number; balanceAmount: number };
  return { status: charge.status, refunded: charge.totalAmount - charge.balanceAmount };
}

/** Each has a process, which is busy while it starts, and then waits for what is due. */
const AT_ONCE = 4;

const cases: [PaymentCrashPoint, Story, { status: string; refunded: number }][] = [
  ["payment.prepare.stored", "confirm", { status: "ready", refunded: 0 }],
  ["payment.confirm.asked", "confirm", { status: "paid", refunded: 0 }],
  ["sandbox.confirm.charged", "confirm", { status: "paid", refunded: 0 }],
  ["payment.confirm.answered", "confirm", { status: "paid", refunded: 0 }],
  ["payment.confirm.recorded", "confirm", { status: "paid", refunded: 0 }],
  ["payment.refund.held", "refund", { status: "partially_refunded", refunded: 3000 }],
  ["sandbox.cancel.returned", "refund", { status: "partially_refunded", refunded: 3000 }],
  ["payment.refund.answered", "refund", { status: "partially_refunded", refunded: 3000 }],
  ["payment.refund.recorded", "refund", { status: "partially_refunded", refunded: 3000 }],
  ["payment.close.stored", "close", { status: "refunded", refunded: PRICE }],
  ["payment.refund.answered", "close", { status: "refunded", refunded: PRICE }],
  ["payment.webhook.stored", "webhook", { status: "paid", refunded: 0 }],
  ["payment.webhook.fetched", "webhook", { status: "paid", refunded: 0 }],
  ["payment.webhook.recorded", "webhook", { status: "paid", refunded: 0 }],
  ["payment.tell.done", "webhook", { status: "paid", refunded: 0 }],
];

it("every crash point is tried", () => {
  expect(new Set(cases.map(([at]) => at))).toEqual(new Set(paymentCrashPoints));
});

async function finishes(...[at, story, expected]: (typeof cases)[number]): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-"));
  const { orderId, paymentKey } = await crash(dataDir, story, at);
  const order = orderDouble();
  const node = await startNode([paymentService, sandboxService, order.service], {
    DATA_DIR: dataDir,
    LEASE_MS: "300",
    SANDBOX_PORT: "0",
    SANDBOX_WEBHOOK_URL: "http://127.0.0.1:9/nobody",
  });
  const customerId = "customer-1";
  const { id } = await node.call("payment.prepare", { orderId, customerId, amount: won(PRICE) });
  const look = () =>
    node.as<{ status: string }>({ user: { id: customerId, roles: [], sid: "s" } }, "payment.get", { id });
  await eventually(async () => (await look()).status === expected.status, 20_000);
  const { refunded, status } = await books(node, paymentKey);
  expect(refunded).toBe(expected.refunded);
  if (expected.status === "ready") expect(status).toBe("IN_PROGRESS");
  if (story === "webhook") await eventually(() => order.told.includes(orderId), 20_000);
  await node.stop();
  rmSync(dataDir, { recursive: true });
}

together(
  Object.fromEntries(
    cases.map((one) => [
      `killed at ${one[0]} (${one[1]}), the next process finishes it by itself`,
      () => finishes(...one),
    ]),
  ),
  AT_ONCE,
);
