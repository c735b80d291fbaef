import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import { now } from "../../../lib/time";
import { type SandboxCharge, TossError, toPayment } from "./charge";
import type { SandboxCharges } from "./charges";
import { checkoutPage } from "./page";
import type { SandboxWebhooks } from "./webhooks";

const MAX_BODY_BYTES = 64 * 1024;
const ORDER_ID = /^[A-Za-z0-9_=-]{1,64}$/;
const CORS = {
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
  "Access-Control-Allow-Headers": "Content-Type",
  "Access-Control-Max-Age": "600",
};

export interface SandboxServerParts {
  charges: SandboxCharges;
  webhooks: SandboxWebhooks;
  secretKey: string;
  logger: ServiceBroker["logger"];
}

type Body = Partial<Record<string, unknown>>;
type Answer = { json: object } | { html: string } | "never" | "empty";

async function readBody(request: IncomingMessage): Promise<Body> {
  let text = "";
  request.setEncoding("utf8");
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new TossError(413, "INVALID_REQUEST", "The body is too large.");
  }
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null) return { ...body };
  } catch {
    // falls through to the one answer for all that is no JSON object
  }
  throw new TossError(400, "INVALID_REQUEST", "The body is not a JSON object.");
}

const invalid = (field: string) => new TossError(400, "INVALID_REQUEST", `${field} is missing or not valid.`);

function text(body: Body, field: string, pattern = /^.{1,200}$/s): string {
  const value = body[field];
  if (typeof value !== "string" || !pattern.test(value)) throw invalid(field);
  return value;
}

/** An integer as Toss has it; the checkout also takes the shop's money object. */
function amountOf(value: unknown, field: string): number {
  const amount = typeof value === "object" && value !== null && "amount" in value ? value.amount : value;
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < 1) throw invalid(field);
  return amount;
}

/** The subset of Toss Payments that the shop uses, and the checkout in which a customer would type the card. */
export class SandboxServer {
  private readonly server: Server;

  constructor(private readonly parts: SandboxServerParts) {
    this.server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
      this.answer(request)
        .then((answer) => send(response, 200, answer))
        .catch((error: unknown) => {
          if (error instanceof TossError)
            return send(response, error.status, { json: { code: error.code, message: error.message } });
          this.parts.logger.error({ err: error }, "the sandbox failed");
          send(response, 500, { json: { code: "FAILED_INTERNAL_SYSTEM_PROCESSING", message: "The sandbox failed." } });
        });
    });
  }

  /** Answers the port. Rejects, naming the variable, when another process listens there. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", (error: Error & { code?: string }) => {
        const taken = error.code === "EADDRINUSE";
        reject(taken ? new Error(`port ${port} is in use: set SANDBOX_PORT to a free one, or SANDBOX_URL`) : error);
      });
      this.server.listen(port, () => {
        const address = this.server.address();
        resolve(typeof address === "object" && address ? address.port : port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const { pathname } = new URL(request.url ?? "/", "http://sandbox");
    const call = `${request.method} ${pathname}`;
    if (request.method === "OPTIONS") return "empty";
    if (call === "GET /checkout") return { html: checkoutPage };
    if (call === "POST /checkout") return { json: await this.checkout(await readBody(request)) };
    this.authenticate(request.headers.authorization);
    const key = request.headers["idempotency-key"];
    const idempotencyKey = typeof key === "string" ? key : undefined;
    if (call === "POST /v1/payments/confirm") return this.confirm(await readBody(request), idempotencyKey);
    const [, byOrder] = /^GET \/v1\/payments\/orders\/([^/]+)$/.exec(call) ?? [];
    if (byOrder) return shown(await this.parts.charges.ofOrder(decodeURIComponent(byOrder)));
    const [, byKey] = /^GET \/v1\/payments\/([^/]+)$/.exec(call) ?? [];
    if (byKey) return shown(await this.parts.charges.get(decodeURIComponent(byKey)));
    const [, cancelled] = /^POST \/v1\/payments\/([^/]+)\/cancel$/.exec(call) ?? [];
    if (cancelled) return this.cancel(decodeURIComponent(cancelled), await readBody(request), idempotencyKey);
    throw new TossError(404, "NOT_FOUND", "There is nothing here.");
  }

  private async checkout(body: Body): Promise<object> {
    const orderId = text(body, "orderId", ORDER_ID);
    return { paymentKey: await this.parts.charges.checkout(orderId, amountOf(body.amount, "amount"), body.card) };
  }

  private async confirm(body: Body, key: string | undefined): Promise<Answer> {
    const { charges } = this.parts;
    const paymentKey = text(body, "paymentKey");
    const request = { paymentKey, orderId: text(body, "orderId", ORDER_ID), amount: amountOf(body.amount, "amount") };
    try {
      const { charge, hang } = await charges.confirm(request, key);
      this.parts.webhooks.start(charge);
      return hang ? "never" : shown(charge);
    } catch (error) {
      if (error instanceof TossError && error.status === 403) this.parts.webhooks.start(await charges.get(paymentKey));
      throw error;
    }
  }

  private async cancel(paymentKey: string, body: Body, key: string | undefined): Promise<Answer> {
    const reason = text(body, "cancelReason");
    const amount = body.cancelAmount === undefined ? undefined : amountOf(body.cancelAmount, "cancelAmount");
    const charge = await this.parts.charges.cancel(paymentKey, reason, amount, key);
    this.parts.webhooks.start(charge);
    return shown(charge);
  }

  private authenticate(authorization = ""): void {
    const expected = Buffer.from(`Basic ${Buffer.from(`${this.parts.secretKey}:`).toString("base64")}`);
    const given = Buffer.from(authorization);
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new TossError(401, "UNAUTHORIZED_KEY", "The secret key is not that of this sandbox.");
  }
}

const shown = (charge: SandboxCharge): Answer => ({ json: toPayment(charge, now()) });

function send(response: ServerResponse, status: number, answer: Answer): void {
  // A charge that went through and an answer that never comes: the connection stays open until the client gives up.
  if (answer === "never") return;
  if (answer === "empty") {
    response.writeHead(204, CORS).end();
    return;
  }
  const [type, body] =
    "json" in answer ? ["application/json", JSON.stringify(answer.json)] : ["text/html", answer.html];
  response.writeHead(status, { ...CORS, "Content-Type": `${type}; charset=utf-8`, "Cache-Control": "no-store" });
  response.end(body);
}
