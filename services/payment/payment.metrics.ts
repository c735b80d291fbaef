import type { ServiceSchema } from "moleculer";
import { Counter, type Registry } from "prom-client";
import type { Metrics } from "../../lib/metrics";
import type { PaymentStatus } from "./payment.contract";

type Count = (provider: string, outcome: string) => void;

/** Counts of what providers answered; a second service in one process (hot reload) goes on with the same counters. */
export interface PaymentMetrics {
  attempt: Count;
  refund: Count;
  webhook: Count;
  became: (provider: string, status: PaymentStatus) => void;
}

export function paymentMetrics(registry: Registry): PaymentMetrics {
  const counter = (name: string, help: string): Count => {
    const existing = registry.getSingleMetric(name);
    const made =
      existing instanceof Counter
        ? existing
        : new Counter({ name, help, labelNames: ["provider", "outcome"], registers: [registry] });
    return (provider, outcome) => made.inc({ provider, outcome });
  };
  return {
    attempt: counter("shop_payment_attempts_total", "Charges that were asked for, by what the provider answered"),
    refund: counter("shop_payment_refunds_total", "Refunds that were asked for, by what the provider answered"),
    webhook: counter("shop_payment_webhooks_total", "Webhooks that were received, by what became of them"),
    became: counter(
      "shop_payments_total",
      "Payments by what they became: paid, failed, cancelled, refunded and the like",
    ),
  };
}

/** Measures, while the service runs, how many payments somebody has to look at. */
export function troubledMixin(
  { paymentsStuck }: Metrics,
  troubled: () => Promise<Record<string, number>>,
): Partial<ServiceSchema> {
  let end: (() => void) | undefined;
  return {
    started() {
      end = paymentsStuck.sample(async () =>
        Object.entries(await troubled()).map(([why, value]) => ({ labels: { why }, value })),
      );
    },
    stopped: () => end?.(),
  };
}
