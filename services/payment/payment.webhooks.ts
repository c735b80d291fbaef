import type { ServiceBroker } from "moleculer";
import { crashPoint } from "../../lib/crash";
import { ShopError } from "../../lib/errors";
import type { PaymentMetrics } from "./payment.metrics";
import type { PaymentProcess } from "./payment.process";
import type { Received, ReceivedStore } from "./payment.store";
import type { Providers } from "./providers/providers";

const MAX_BYTES = 256 * 1024;

export interface WebhookParts {
  store: ReceivedStore;
  providers: Providers;
  process: PaymentProcess;
  metrics: PaymentMetrics;
  logger: ServiceBroker["logger"];
}

/** What providers tell: stored before it is answered, handled afterwards, once, by asking the provider. */
export class PaymentWebhooks {
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly parts: WebhookParts) {}

  /** Throws 404 PROVIDER_NOT_FOUND, 400 BAD_SIGNATURE, 400 MALFORMED_JSON, 413 PAYLOAD_TOO_LARGE. */
  async receive(provider: string, body: string, headers: Record<string, string>): Promise<void> {
    if (Buffer.byteLength(body) > MAX_BYTES) throw new ShopError(413, "PAYLOAD_TOO_LARGE", "The webhook is too large.");
    const { store, providers, metrics } = this.parts;
    const { eventId, paymentKey } = providers.named(provider).parseWebhook(body, headers);
    const received = await store.insert(`${provider}-${eventId}`, provider, paymentKey);
    metrics.webhook(provider, received ? "received" : "repeated");
    if (!received) return;
    crashPoint("payment.webhook.stored");
    this.start(received);
  }

  /** Goes on with a webhook that was stored; throws when the provider cannot be asked now. */
  async handle(received: Received): Promise<void> {
    const { store, providers, process, metrics } = this.parts;
    const { provider, paymentKey } = received;
    let outcome = "ignored";
    if (paymentKey) {
      const found = await providers.named(provider).fetch(paymentKey);
      if (found.kind === "unknown") throw new Error(`${provider} gave no answer: ${found.reason}`);
      crashPoint("payment.webhook.fetched");
      if (found.kind === "found" && (await process.observed(provider, found.charge))) outcome = "handled";
    }
    await store.handled(received);
    metrics.webhook(provider, outcome);
  }

  /** Resolves when nothing that was begun in the background runs any more. */
  async idle(): Promise<void> {
    await Promise.all(this.running);
  }

  private start(received: Received): void {
    const run = this.handle(received)
      .catch((error: unknown) => {
        this.parts.logger.warn({ err: error, id: received._id }, "the webhook will be handled later");
      })
      .finally(() => this.running.delete(run));
    this.running.add(run);
  }
}
