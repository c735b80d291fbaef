import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { newId } from "../../lib/ids";
import { won } from "../../lib/money";
import type { PaymentSummary } from "../../services/payment/payment.contract";
import paymentService from "../../services/payment/payment.service";
import sandboxService from "../../services/payment/sandbox.service";
import { startNode, type TestNode } from "./node";

export const CARDS = {
  approved: "4242424242424242",
  declined: "4000000000000002",
  hangs: "4000000000000119",
  failsOnce: "4000000000009995",
};

export const SECRET = "test_sk_sandbox";
export const FAST = { LEASE_MS: "300", PAYMENT_TIMEOUT_MS: "500", SANDBOX_PORT: "0" };

/** Stands for the order context: remembers for which orders it was told that their payment changed. */
export function orderDouble() {
  const told: string[] = [];
  const failing = { times: 0 };
  const service = (_: ServiceBroker): ServiceSchema => ({
    name: "order",
    actions: {
      paymentChanged: {
        params: { type: "object", properties: { orderId: { type: "string" } }, required: ["orderId"] } as never,
        handler(ctx: { params: { orderId: string } }) {
          if (failing.times-- > 0) throw new Error("the order context is down");
          told.push(ctx.params.orderId);
          return null;
        },
      },
    },
  });
  return { service, told, failing };
}

/** Takes webhooks as the gateway does: the raw body and the headers go to the action. */
export async function webhookGateway(provider: string, node: () => TestNode) {
  const seen: string[] = [];
  const state = { status: 0, hold: false };
  const server: Server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    seen.push(body);
    if (state.status) return response.writeHead(state.status).end();
    try {
      await node().as({}, "payment.webhook", { provider, body, headers: request.headers });
      return response.writeHead(200).end("{}");
    } catch {
      return response.writeHead(500).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    state,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

export type Prepared = PaymentSummary & { orderId: string };

export async function checkout(url: unknown, orderId: string, amount: number, card: string): Promise<string> {
  const response = await fetch(String(url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ orderId, amount, card }),
  });
  const answer: unknown = await response.json();
  if (typeof answer === "object" && answer && "paymentKey" in answer) return String(answer.paymentKey);
  throw new Error(JSON.stringify(answer));
}

export const prepare = (node: TestNode, amount = 12_900): Promise<PaymentSummary> =>
  node.call("payment.prepare", { orderId: newId(), customerId: "customer-1", amount: won(amount) });

export const startPayment = (
  order: (broker: ServiceBroker) => ServiceSchema,
  environment: Record<string, string> = {},
): Promise<TestNode> => startNode([paymentService, sandboxService, order], { ...FAST, ...environment });
