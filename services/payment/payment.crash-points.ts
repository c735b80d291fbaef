/** Where a test may end the process (`CRASH_AT`): each boundary between a write and what it is about. */
export const paymentCrashPoints = [
  "payment.prepare.stored",
  "payment.confirm.asked",
  "payment.confirm.answered",
  "payment.confirm.recorded",
  "payment.close.stored",
  "payment.refund.held",
  "payment.refund.answered",
  "payment.refund.recorded",
  "payment.webhook.stored",
  "payment.webhook.fetched",
  "payment.webhook.recorded",
  "payment.tell.done",
  "sandbox.confirm.charged",
  "sandbox.cancel.returned",
] as const;

export type PaymentCrashPoint = (typeof paymentCrashPoints)[number];
