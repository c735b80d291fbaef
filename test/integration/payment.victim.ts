import { writeSync } from "node:fs";
import { newId } from "../../lib/ids";
import { won } from "../../lib/money";
import paymentService from "../../services/payment/payment.service";
import { sandboxUrl } from "../../services/payment/sandbox/address";
import sandboxService from "../../services/payment/sandbox.service";
import { startNode } from "./node";
import { orderDouble, PRICE } from "./payment.parts";

/** A shop's payment node with one order, to be killed at `CRASH_AT`: says what it works on, then does `STORY`. */
async function run(): Promise<void> {
  const node = await startNode([paymentService, sandboxService, orderDouble().service], {
    DATA_DIR: process.env.DATA_DIR ?? "",
    LEASE_MS: "600",
    SANDBOX_PORT: "0",
    SANDBOX_WEBHOOK_URL: "http://127.0.0.1:9/nobody",
  });
  const url = sandboxUrl(node.broker, "node");
  const post = async (path: string, body: object) => {
    const headers = { Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}` };
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return (await response.json()) as { paymentKey: string };
  };
  const orderId = newId();
  const { paymentKey } = await post("/checkout", { orderId, amount: PRICE, card: "4242424242424242" });
  writeSync(1, JSON.stringify({ orderId, paymentKey }));
  await node.call("payment.prepare", { orderId, customerId: "customer-1", amount: won(PRICE) });
  const story = process.env.STORY;
  if (story === "webhook") {
    const charge = await post("/v1/payments/confirm", { paymentKey, orderId, amount: PRICE });
    const body = JSON.stringify({ eventType: "PAYMENT_STATUS_CHANGED", data: charge });
    await node.as({}, "payment.webhook", { provider: "sandbox", body, headers: {} });
    return;
  }
  await node.call("payment.confirm", { orderId, paymentKey });
  if (story === "refund")
    await node.call("payment.refund", { orderId, refundId: "refund-1", amount: won(3000), reason: "broken" });
  if (story === "close") await node.call("payment.close", { orderId, reason: "cancelled" });
}

run().catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
