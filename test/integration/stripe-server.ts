import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Card = "approved" | "declined" | "hangs" | "failsOnce";

interface Intent {
  id: string;
  amount: number;
  currency: string;
  orderId: string;
  status: "requires_payment_method" | "requires_capture" | "succeeded" | "canceled";
  card?: Card;
  failedOnce?: boolean;
  refunded: number;
  captures: number;
}

interface Kept {
  params: string;
  status: number;
  body: object;
}

const error = (status: number, type: string, code: string) => ({
  status,
  body: { error: { type, code, message: code } },
});

const view = (intent: Intent) => ({
  id: intent.id,
  object: "payment_intent",
  amount: intent.amount,
  amount_received: intent.status === "succeeded" ? intent.amount : 0,
  currency: intent.currency,
  capture_method: "manual",
  client_secret: `${intent.id}_secret_x`,
  metadata: { orderId: intent.orderId },
  status: intent.status,
  cancellation_reason: intent.status === "canceled" ? "requested_by_customer" : null,
  last_payment_error: intent.card === "declined" ? { type: "card_error", code: "card_declined" } : null,
  latest_charge: intent.captures ? { id: `ch_${intent.id}`, object: "charge", amount_refunded: intent.refunded } : null,
});

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return new URLSearchParams(text);
}

/**
 * Speaks the part of Stripe's protocol that the adapter uses: form-encoded requests, PaymentIntents with manual capture,
 * refunds, `Idempotency-Key` (the first answer again; other parameters are refused).
 */
export class StripeServer {
  readonly intents = new Map<string, Intent>();
  private readonly kept = new Map<string, Kept>();
  private readonly server: Server;

  constructor(private readonly secretKey: string) {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  /** What the customer's browser does with the client secret. */
  authorise(id: string, card: Card, amount?: number): void {
    const intent = this.intent(id);
    intent.card = card;
    if (amount !== undefined) intent.amount = amount;
    if (card !== "declined") intent.status = "requires_capture";
  }

  intent(id: string): Intent {
    const intent = this.intents.get(id);
    if (!intent) throw new Error(`no intent ${id}`);
    return intent;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const params = await bodyOf(request);
    const key = request.headers["idempotency-key"];
    const kept = typeof key === "string" ? this.kept.get(key) : undefined;
    const asked = `${request.method} ${new URL(request.url ?? "/", "http://stripe").pathname} ${params}`;
    if (request.headers.authorization !== `Bearer ${this.secretKey}`)
      return send(response, error(401, "invalid_request_error", "api_key_invalid"));
    if (kept && kept.params !== asked) return send(response, error(400, "idempotency_error", "idempotency_key_in_use"));
    const result = kept ?? this.route(asked.split(" ").slice(0, 2).join(" "), params);
    if (result === "hang") return;
    if (typeof key === "string" && result.status < 500) this.kept.set(key, { params: asked, ...result });
    send(response, result);
  }

  private route(call: string, params: URLSearchParams): { status: number; body: object } | "hang" {
    if (call === "POST /v1/payment_intents") return this.create(params);
    if (call === "POST /v1/refunds") return this.refund(params);
    const [, method, id, verb] = /^(GET|POST) \/v1\/payment_intents\/(\w+)(?:\/(\w+))?$/.exec(call) ?? [];
    const intent = this.intents.get(id ?? "");
    if (!intent) return error(404, "invalid_request_error", "resource_missing");
    if (method === "GET" && !verb) return { status: 200, body: view(intent) };
    if (verb === "capture") return this.capture(intent);
    if (verb === "cancel") return this.cancel(intent);
    return error(404, "invalid_request_error", "unknown_url");
  }

  private create(params: URLSearchParams) {
    if (params.get("capture_method") !== "manual") return error(400, "invalid_request_error", "parameter_invalid");
    const intent: Intent = {
      id: `pi_${randomBytes(12).toString("hex")}`,
      amount: Number(params.get("amount")),
      currency: params.get("currency") ?? "",
      orderId: params.get("metadata[orderId]") ?? "",
      status: "requires_payment_method",
      refunded: 0,
      captures: 0,
    };
    this.intents.set(intent.id, intent);
    return { status: 200, body: view(intent) };
  }

  private capture(intent: Intent) {
    if (intent.status !== "requires_capture")
      return error(400, "invalid_request_error", "payment_intent_unexpected_state");
    if (intent.card === "failsOnce" && !intent.failedOnce) {
      intent.failedOnce = true;
      return error(500, "api_error", "api_error");
    }
    intent.status = "succeeded";
    intent.captures++;
    return intent.card === "hangs" ? "hang" : { status: 200, body: view(intent) };
  }

  private cancel(intent: Intent) {
    if (intent.status === "succeeded" || intent.status === "canceled")
      return error(400, "invalid_request_error", "payment_intent_unexpected_state");
    intent.status = "canceled";
    return { status: 200, body: view(intent) };
  }

  private refund(params: URLSearchParams) {
    const intent = this.intents.get(params.get("payment_intent") ?? "");
    if (!intent) return error(404, "invalid_request_error", "resource_missing");
    const amount = Number(params.get("amount") ?? intent.amount - intent.refunded);
    if (intent.status !== "succeeded" || amount > intent.amount - intent.refunded)
      return error(400, "invalid_request_error", "charge_already_refunded");
    intent.refunded += amount;
    return {
      status: 200,
      body: { id: `re_${randomBytes(8).toString("hex")}`, object: "refund", status: "succeeded", amount },
    };
  }
}

function send(response: ServerResponse, { status, body }: { status: number; body: object }): void {
  response
    .writeHead(status, { "Content-Type": "application/json", "Request-Id": "req_test" })
    .end(JSON.stringify(body));
}
