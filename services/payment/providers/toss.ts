import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { ShopError } from "../../../lib/errors";
import type { PaymentClient } from "../payment.contract";
import {
  type Charge,
  type Confirmed,
  type ConfirmRequest,
  type Found,
  type Notice,
  type Provider,
  type Reference,
  type RefundRequest,
  type Returned,
  unknown,
} from "./provider";

export interface TossOptions {
  name: string;
  /** Asked for each request: the address of a sandbox is known once it listens, and a key may be changed live. */
  url: () => string;
  secretKey: () => string;
  /** Milliseconds for one question and its repetitions. */
  timeoutMs: number;
  client: (reference: Reference) => PaymentClient;
}

type Answer = { status: number; body: Record<string, unknown> } | { lost: string };

/** Answers that say "again, please" beside 5xx and 429; nothing was charged. */
const AGAIN = ["PROVIDER_ERROR", "IDEMPOTENT_REQUEST_PROCESSING", "FORBIDDEN_CONSECUTIVE_REQUEST"];
/** A look at a charge is quick or not at all: together with a confirmation it stays below a call's five seconds. */
const LOOK_MS = 1500;
const PAUSES_MS = [100, 400];
/** Our own set-up is wrong, which says nothing about the customer's card. */
const MISCONFIGURED = ["UNAUTHORIZED_KEY", "INVALID_API_KEY", "INCORRECT_BASIC_AUTH_FORMAT", "FORBIDDEN_REQUEST"];
const CAPTURED = ["DONE", "CANCELED", "PARTIAL_CANCELED"];
const FAILED = ["ABORTED", "EXPIRED"];

const lost = (answer: Answer): answer is { lost: string } => "lost" in answer;
const codeOf = (answer: Answer): string => {
  if (lost(answer)) return answer.lost;
  return typeof answer.body.code === "string" ? answer.body.code : `HTTP_${answer.status}`;
};

function toCharge({
  paymentKey,
  orderId,
  status,
  totalAmount,
  balanceAmount,
  currency,
  failure,
}: Record<string, unknown>) {
  if (typeof paymentKey !== "string" || typeof orderId !== "string" || typeof status !== "string") return undefined;
  if (typeof totalAmount !== "number" || typeof balanceAmount !== "number") return undefined;
  const charged = CAPTURED.includes(status);
  const code = failure && typeof failure === "object" && "code" in failure ? String(failure.code) : status;
  const charge: Charge = {
    paymentKey,
    orderId,
    amount: { amount: totalAmount, currency: typeof currency === "string" ? currency : "KRW" },
    refunded: charged ? totalAmount - balanceAmount : 0,
    state: charged ? "captured" : FAILED.includes(status) ? "failed" : "open",
    ...(FAILED.includes(status) && { code }),
  };
  return charge;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Toss Payments, or the sandbox that speaks its protocol. Source: docs.tosspayments.com/reference. */
export function tossProvider({ name, url, secretKey, timeoutMs, client }: TossOptions): Provider {
  async function once(path: string, body: object | undefined, key: string | undefined, until: number): Promise<Answer> {
    try {
      const { statusCode, body: answer } = await request(`${url()}${path}`, {
        method: body ? "POST" : "GET",
        headers: {
          Authorization: `Basic ${Buffer.from(`${secretKey()}:`).toString("base64")}`,
          ...(body && { "Content-Type": "application/json" }),
          ...(key && { "Idempotency-Key": key }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(Math.max(1, until - Date.now())),
      });
      const parsed = parseObject(await answer.text());
      return parsed ? { status: statusCode, body: parsed } : { lost: "NO_JSON" };
    } catch (error) {
      return { lost: error instanceof Error ? error.name : "NETWORK" };
    }
  }

  /** Sends until there is a final answer or the time is up. A repetition after a lost answer carries the same key. */
  async function send(path: string, body?: object, keyOf?: (refusals: number) => string): Promise<Answer> {
    const until = Date.now() + (body ? timeoutMs : Math.min(timeoutMs, LOOK_MS));
    let refusals = 0;
    for (let round = 0; ; round++) {
      const answer = await once(path, body, keyOf?.(refusals), until);
      const again = lost(answer) || answer.status >= 500 || answer.status === 429 || AGAIN.includes(codeOf(answer));
      const pause = PAUSES_MS[round];
      if (!again || pause === undefined || Date.now() + pause >= until)
        return again && !lost(answer) ? { lost: codeOf(answer) } : answer;
      if (!lost(answer)) refusals++;
      await sleep(pause);
    }
  }

  async function find(path: string): Promise<Found> {
    const answer = await send(path);
    if (lost(answer)) return unknown(answer.lost);
    if (answer.status === 404) return { kind: "not-found" };
    const charge = answer.status === 200 ? toCharge(answer.body) : undefined;
    return charge ? { kind: "found", charge } : unknown(codeOf(answer));
  }

  const fetchCharge = async (paymentKey: string): Promise<Found> =>
    // A key that is a step in a path would ask for something else than a payment.
    /^\.{1,2}$/.test(paymentKey) ? { kind: "not-found" } : find(`/v1/payments/${encodeURIComponent(paymentKey)}`);

  /** What the state of the charge says about a confirmation that was refused with `code` or got no answer. */
  function conclude(found: Found, { orderId, amount }: ConfirmRequest, code: string, answered: boolean): Confirmed {
    const refused: Confirmed = answered ? { kind: "declined", code } : unknown(code);
    if (found.kind === "not-found") return found;
    if (found.kind === "unknown") return code === "ALREADY_PROCESSED_PAYMENT" ? found : refused;
    const { charge } = found;
    if (charge.orderId !== orderId) return { kind: "mismatch", of: "order" };
    if (charge.amount.amount !== amount.amount && charge.state !== "captured")
      return { kind: "mismatch", of: "amount" };
    if (charge.state === "captured") return { kind: "captured", charge };
    return charge.state === "failed" ? { kind: "declined", code: charge.code ?? code } : refused;
  }

  return {
    name,
    prepare: async () => undefined,
    client,
    fetch: fetchCharge,
    fetchByOrder: ({ orderId }) => find(`/v1/payments/orders/${encodeURIComponent(orderId)}`),
    // Toss has no way to end a charge that is not captured; it ends by itself ten minutes after the checkout.
    release: async () => undefined,

    async confirm(asked): Promise<Confirmed> {
      const { paymentKey, orderId, amount, idempotencyKey } = asked;
      // The provider repeats the answer for a key, also a refusal; a charge is captured once whatever the key.
      const keyOf = (refusals: number) => (refusals === 0 ? idempotencyKey : `${idempotencyKey}-${refusals}`);
      const answer = await send("/v1/payments/confirm", { paymentKey, orderId, amount: amount.amount }, keyOf);
      const charge = !lost(answer) && answer.status === 200 ? toCharge(answer.body) : undefined;
      if (charge?.state === "captured" && charge.orderId === orderId) return { kind: "captured", charge };
      const code = codeOf(answer);
      if (!lost(answer) && answer.status === 404) return { kind: "not-found" };
      if (MISCONFIGURED.includes(code)) return unknown(code);
      return conclude(await fetchCharge(paymentKey), asked, code, !lost(answer) && answer.status >= 400);
    },

    async refund({ paymentKey, amount, reason, idempotencyKey }: RefundRequest): Promise<Returned> {
      const body = { cancelReason: reason.slice(0, 200) || "refund", cancelAmount: amount.amount };
      const answer = await send(`/v1/payments/${encodeURIComponent(paymentKey)}/cancel`, body, () => idempotencyKey);
      if (lost(answer)) return unknown(answer.lost);
      if (answer.status === 200) return { kind: "refunded" };
      const code = codeOf(answer);
      return MISCONFIGURED.includes(code) ? unknown(code) : { kind: "refused", code };
    },

    parseWebhook(body): Notice {
      const event = parseObject(body);
      if (!event) throw new ShopError(400, "MALFORMED_JSON", "The body is not a JSON object.");
      const { data } = event;
      const key = data && typeof data === "object" && "paymentKey" in data ? data.paymentKey : undefined;
      return {
        eventId: createHash("sha256").update(body).digest("base64url"),
        ...(typeof key === "string" && key.length > 0 && key.length <= 200 && { paymentKey: key }),
      };
    },
  };
}
