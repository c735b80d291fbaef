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
/** By then the provider is no longer there to be asked, and what was open is settled by asking, not by being told. */
const GIVE_UP_MS = 24 * 3600 * 1000;

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

  /** Goes on with a webhook that was stored; throws when the provider cannot be asked now. */
  async handle(received: Received, call?: Call): Promise<void> {
    const { store, providers, process, metrics } = this.parts;
    const { provider, paymentKey } = received;
    let outcome = "ignored";
    if (paymentKey && received.receivedAt > after(-GIVE_UP_MS)) {
      const found = await providers.named(provider).fetch(paymentKey);
      if (found.kind === "unknown") throw new Error(`${provider} gave no answer: ${found.reason}`);
      crashPoint("payment.webhook.fetched");
      if (found.kind === "found" && (await process.observed(provider, found.charge, call))) outcome = "handled";
    }
    await store.handled(received);
    metrics.webhook(provider, outcome);
  }
}
