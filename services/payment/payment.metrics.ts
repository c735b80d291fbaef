import type { ServiceSchema } from "moleculer";
import type { Metrics } from "../../lib/metrics";
import type { PaymentStatus } from "./payment.contract";

type Count = (provider: string, outcome: string) => void;

/** Counts of what providers answered. */
export interface PaymentMetrics {
  attempt: Count;
  refund: Count;
  webhook: Count;
  became: (provider: string, status: PaymentStatus) => void;
}

export function paymentMetrics({
  payments,
  paymentAttempts,
  paymentRefunds,
  paymentWebhooks,
}: Metrics): PaymentMetrics {
  const counting =
    (counter: Metrics["payments"]): Count =>
    (provider, outcome) =>
      counter.inc({ provider, outcome });
  return {
    attempt: counting(paymentAttempts),
    refund: counting(paymentRefunds),
    webhook: counting(paymentWebhooks),
    became: counting(payments),
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
