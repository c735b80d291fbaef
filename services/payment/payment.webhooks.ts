import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { ShopError } from "../../lib/errors";
import { after } from "../../lib/time";
import type { Background } from "./background";
import type { PaymentMetrics } from "./payment.metrics";
import type { PaymentProcess } from "./payment.process";
import type { Received, ReceivedStore } from "./payment.store";
import type { Providers } from "./providers/providers";

const MAX_BYTES = 256 * 1024;
/**
 * A provider may be away for hours, and a charge that nobody confirmed is known from its webhook alone. What
 * cannot be asked about for longer than this is let go.
 */
const GIVE_UP_MS = 12 * 3600 * 1000;

export interface WebhookParts {
  store: ReceivedStore;
  providers: Providers;
  process: PaymentProcess;
  metrics: PaymentMetrics;
  background: Background;
}

/** What providers tell: stored before it is answered, handled afterwards, once, by asking the provider. */
export class PaymentWebhooks {
  constructor(private readonly parts: WebhookParts) {}

  /** Throws 404 PROVIDER_NOT_FOUND, 400 BAD_SIGNATURE, 400 MALFORMED_JSON, 413 PAYLOAD_TOO_LARGE. */
  async receive(provider: string, body: string, headers: Record<string, string>, call: Call): Promise<void> {
    if (Buffer.byteLength(body) > MAX_BYTES) throw new ShopError(413, "PAYLOAD_TOO_LARGE", "The webhook is too large.");
    const { store, providers, metrics, background } = this.parts;
    const { eventId, paymentKey } = providers.named(provider).parseWebhook(body, headers);
    const received = await store.insert(`${provider}-${eventId}`, provider, paymentKey);
    metrics.webhook(provider, received ? "received" : "repeated");
    if (!received) return;
    crashPoint("payment.webhook.stored");
    background.start("handling a webhook", () => this.handle(received, call));
  }

  /** Goes on with a webhook that was stored; throws when that has to wait, for longer each time, and in the end for ever. */
  async handle(received: Received, call?: Call): Promise<void> {
    const { store, metrics } = this.parts;
    try {
      const outcome = await this.lookInto(received, call);
      await store.handled(received);
      metrics.webhook(received.provider, outcome);
    } catch (error) {
      if (received.receivedAt > after(-GIVE_UP_MS)) await store.postpone(received);
      else {
        await store.handled(received);
        metrics.webhook(received.provider, "given-up");
      }
      throw error;
    }
  }

  /** Of a payment that is not ours, or that the provider does not know, there is nothing to do. */
  private async lookInto({ provider, paymentKey }: Received, call?: Call): Promise<"handled" | "ignored"> {
    const { providers, process } = this.parts;
    if (!paymentKey) return "ignored";
    const found = await providers.named(provider).fetch(paymentKey);
    if (found.kind === "unknown") throw new Error(`${provider} gave no answer: ${found.reason}`);
    crashPoint("payment.webhook.fetched");
    if (found.kind === "not-found") return "ignored";
    return (await process.observed(provider, found.charge, call)) ? "handled" : "ignored";
  }
}
