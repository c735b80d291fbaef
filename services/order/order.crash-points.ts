/** Where a test may end the process (`CRASH_AT`): each boundary between two steps of the order process. */
export const orderCrashPoints = [
  "order.inserted",
  "order.reserved",
  "order.prepared",
  "order.cart-cleared",
  "order.opened",
  "order.settling",
  "order.captured",
  "order.paid",
  "order.committed",
  "order.cancelled",
  "order.returned",
  "order.closed",
  "order.refund-promised",
  "order.refund-given",
  "outbox.published",
] as const;
