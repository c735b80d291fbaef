import { setTimeout as sleep } from "node:timers/promises";
import { within } from "../../lib/time";
import { type Answer, type CallOptions, type Order, Shop } from "../e2e/shop";

/** Milliseconds after which a customer asks again, and after which no answer at all is a violation. */
const ATTEMPT_MS = 12_000;
const LIMIT_MS = 120_000;
const PAUSE_MS = 250;

export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

/** A gateway that does not know a service yet has nothing at its addresses; a record that is missing has another code. */
const isDefinite = ({ status, body }: Answer<unknown>): boolean =>
  status < 500 && body?.code !== "IDEMPOTENCY_IN_PROGRESS" && !(status === 404 && body?.code === "NOT_FOUND");

/**
 * A client that asks again, with the same Idempotency-Key, until it gets a definite answer: over lost connections, failures
 * of the shop, and nodes that keep silent. Throws {@link Unanswered} where that takes too long.
 */
export class PatientShop extends Shop {
  /** Requests that were sent once more. */
  repeats = 0;
  /** The longest that anybody waited for a definite answer, in milliseconds. */
  longestWait = 0;

  constructor(
    origin: string,
    private readonly signal: AbortSignal,
  ) {
    super(origin);
  }

  override call<T = Record<string, unknown>>(method: string, path: string, options: CallOptions = {}) {
    return this.persist(`${method} ${path}`, async () => {
      const answer = await super.call<T>(method, path, options);
      if (isDefinite(answer)) return answer;
      throw new Error(`${answer.status} ${answer.body?.code ?? ""}`);
    });
  }

  override checkout(order: Order, card?: string): Promise<string> {
    return this.persist(`checkout of ${order.id}`, async () => {
      const paymentKey: string | undefined = await super.checkout(order, card);
      if (paymentKey) return paymentKey;
      throw new Error("no payment key");
    });
  }

  private async persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const began = Date.now();
    for (;;) {
      this.signal.throwIfAborted();
      try {
        return await within(ATTEMPT_MS, attempt);
      } catch (error) {
        const last = error instanceof Error ? error.message : String(error);
        if (Date.now() - began > LIMIT_MS)
          throw new Unanswered(`${what}: no definite answer in ${LIMIT_MS / 1000} s, at last: ${last}`);
      } finally {
        this.longestWait = Math.max(this.longestWait, Date.now() - began);
      }
      this.repeats++;
      await sleep(PAUSE_MS);
    }
  }
}
