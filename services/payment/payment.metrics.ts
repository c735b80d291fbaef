import { Counter, type Registry } from "prom-client";

/** Counts of what providers answered; a second service in one process (hot reload) goes on with the same counters. */
export interface PaymentMetrics {
  attempt: (provider: string, outcome: string) => void;
  refund: (provider: string, outcome: string) => void;
  webhook: (provider: string, outcome: string) => void;
}

export function paymentMetrics(registry: Registry): PaymentMetrics {
  const counter = (name: string, help: string) => {
    const existing = registry.getSingleMetric(name);
    const made =
      existing instanceof Counter
        ? existing
        : new Counter({ name, help, labelNames: ["provider", "outcome"], registers: [registry] });
    return (provider: string, outcome: string) => made.inc({ provider, outcome });
  };
  return {
    attempt: counter("shop_payment_attempts_total", "Charges that were asked for, by what the provider answered"),
    refund: counter("shop_payment_refunds_total", "Refunds that were asked for, by what the provider answered"),
    webhook: counter("shop_payment_webhooks_total", "Webhooks that were received, by what became of them"),
  };
}
