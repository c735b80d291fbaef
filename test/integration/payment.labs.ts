import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import type { PaymentSummary } from "../../services/payment/payment.contract";
import { sandboxUrl } from "../../services/payment/sandbox/address";
import sandboxService from "../../services/payment/sandbox.service";
import { startNode, type TestNode } from "./node";
import { type Card, StripeServer } from "./stripe-server";

export interface Delivery {
  body: string;
  headers: Record<string, string>;
}

/** A provider to test against: its customer's side, its books, and the line to it, which can be cut. */
export interface Lab {
  name: string;
  environment: Record<string, string>;
  gate: Gate;
  /** The customer authorises a charge; the key is for the confirmation. */
  pay: (payment: PaymentSummary, card: Card, amount?: number) => Promise<string>;
  /** The provider's books. */
  books: (paymentKey: string) => Promise<{ captured: number; refunded: number }>;
  /** Captured by somebody else than the payment service. */
  capture: (payment: PaymentSummary, paymentKey: string) => Promise<void>;
  /** Given back by somebody else. */
  giveBack: (paymentKey: string, amount: number) => Promise<void>;
  /** A genuine webhook about a charge as it is now. */
  delivery: (paymentKey: string) => Promise<Delivery>;
  stop: () => Promise<void>;
}

type Mode = "pass" | "refuse" | "lose-answers";

/** A line to a provider: `refuse` cuts it before a request, `lose-answers` after the provider has done its work. */
export class Gate {
  mode: Mode = "pass";
  /** Requests whose answers wait until `open` is called. */
  held: (() => void)[] = [];
  holding: RegExp | undefined;
  /** From the first such request on, answers are lost. */
  breakAt: RegExp | undefined;
  /** Requests that did not come through. */
  refused = 0;
  private readonly server = createServer((request, response) => this.pass(request, response));

  constructor(private readonly target: string) {}

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** All passes again, also what was held. */
  open(): void {
    this.mode = "pass";
    this.holding = undefined;
    this.breakAt = undefined;
    for (const go of this.held.splice(0)) go();
  }

  close(): Promise<void> {
    this.open();
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private pass(request: IncomingMessage, response: ServerResponse): void {
    const call = `${request.method} ${request.url}`;
    if (this.breakAt?.test(call)) this.mode = "lose-answers";
    if (this.mode === "refuse") {
      this.refused++;
      return void request.socket.destroy();
    }
    const forward = httpRequest(`${this.target}${request.url}`, { method: request.method, headers: request.headers });
    forward.on("error", () => request.socket.destroy());
    forward.on("response", (answer) => {
      if (this.mode === "lose-answers") {
        answer.resume();
        return void request.socket.destroy();
      }
      const go = () => answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers));
      if (this.holding?.test(call)) this.held.push(go);
      else go();
    });
    request.pipe(forward);
  }
}

export async function sandboxLab(): Promise<Lab & { sandboxUrl: string }> {
  const cards = {
    approved: "4242424242424242",
    declined: "4000000000000002",
    hangs: "4000000000000119",
    failsOnce: "4000000000009995",
  };
  const node: TestNode = await startNode([sandboxService], {
    SANDBOX_PORT: "0",
    LEASE_MS: "300",
    SANDBOX_WEBHOOK_URL: "http://127.0.0.1:9/nobody",
  });
  const url = sandboxUrl(node.broker, "node");
  const gate = new Gate(url);
  const headers = {
    Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}`,
    "Content-Type": "application/json",
  };
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      headers,
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as T;
    if (response.status !== 200) throw new Error(JSON.stringify(answer));
    return answer;
  };
  interface Charge {
    status: string;
    totalAmount: number;
    balanceAmount: number;
  }
  const find = (key: string) => ask<Charge>(`/v1/payments/${key}`);
  return {
    name: "sandbox",
    sandboxUrl: url,
    gate,
    environment: { SANDBOX_URL: await gate.listen() },
    async pay({ orderId, amount }, card, other) {
      const body = { orderId, amount: other ?? amount.amount, card: cards[card] };
      return (await ask<{ paymentKey: string }>("/checkout", body)).paymentKey;
    },
    async books(key) {
      const { status, totalAmount, balanceAmount } = await find(key);
      const captured = ["DONE", "CANCELED", "PARTIAL_CANCELED"].includes(status) ? totalAmount : 0;
      return { captured, refunded: totalAmount - balanceAmount };
    },
    async capture({ orderId, amount }, paymentKey) {
      await ask("/v1/payments/confirm", { paymentKey, orderId, amount: amount.amount });
    },
    async giveBack(key, cancelAmount) {
      await ask(`/v1/payments/${key}/cancel`, { cancelReason: "at the desk", cancelAmount });
    },
    async delivery(key) {
      const event = { eventType: "PAYMENT_STATUS_CHANGED", createdAt: new Date().toISOString(), data: await find(key) };
      return { body: JSON.stringify(event), headers: {} };
    },
    async stop() {
      await gate.close();
      await node.stop();
    },
  };
}

export const STRIPE_WEBHOOK_SECRET = "whsec_test";

export function signedEvent(event: object, timestamp?: number): Delivery {
  const payload = JSON.stringify(event);
  const stripe = new Stripe("sk_test_lab");
  const header = stripe.webhooks.generateTestHeaderString({ payload, secret: STRIPE_WEBHOOK_SECRET, timestamp });
  return { body: payload, headers: { "stripe-signature": header } };
}

export async function stripeLab(): Promise<Lab & { server: StripeServer }> {
  const server = new StripeServer("sk_test_lab");
  const gate = new Gate(await server.listen());
  let events = 0;
  return {
    name: "stripe",
    server,
    gate,
    environment: {
      PAYMENT_PROVIDER: "stripe",
      STRIPE_URL: await gate.listen(),
      STRIPE_SECRET_KEY: "sk_test_lab",
      STRIPE_PUBLISHABLE_KEY: "pk_test_lab",
      STRIPE_WEBHOOK_SECRET,
      PAYMENT_TIMEOUT_MS: "1500",
    },
    async pay({ client }, card, other) {
      const key = String(client.paymentKey);
      server.authorise(key, card, other);
      return key;
    },
    async books(key) {
      const { status, amount, refunded, captures } = server.intent(key);
      if (captures > 1) throw new Error("captured twice");
      return { captured: status === "succeeded" ? amount : 0, refunded };
    },
    async capture(_, key) {
      const intent = server.intent(key);
      if (intent.status !== "requires_capture") throw new Error(`cannot be captured: ${intent.status}`);
      intent.status = "succeeded";
      intent.captures++;
    },
    async giveBack(key, amount) {
      server.intent(key).refunded += amount;
    },
    async delivery(key) {
      const { status } = server.intent(key);
      const object = { id: key, object: "payment_intent", status };
      return signedEvent({
        id: `evt_${++events}`,
        object: "event",
        type: "payment_intent.succeeded",
        data: { object },
      });
    },
    async stop() {
      await gate.close();
      await server.close();
    },
  };
}
