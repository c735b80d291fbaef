import type { ServiceBroker, ServiceSchema } from "moleculer";
import { newId } from "../../lib/ids";
import { won } from "../../lib/money";
import type { PaymentSummary } from "../../services/payment/payment.contract";
import paymentService from "../../services/payment/payment.service";
import { startNode, type TestNode } from "./node";
import type { Delivery, Lab } from "./payment.labs";

export const PRICE = 12_900;

/** Stands for the order context: remembers for which orders it was told that their payment changed. */
export function orderDouble() {
  const told: string[] = [];
  const state = { down: false };
  const service = (_: ServiceBroker): ServiceSchema => ({
    name: "order",
    actions: {
      paymentChanged(ctx: { params: { orderId: string } }) {
        if (state.down) throw new Error("the order context is down");
        told.push(ctx.params.orderId);
        return null;
      },
    },
  });
  return { service, told, state };
}

export type OrderDouble = ReturnType<typeof orderDouble>;

export const startPayment = (lab: Lab, order: OrderDouble, environment: Record<string, string> = {}) =>
  startNode([paymentService, order.service], {
    LEASE_MS: "300",
    PAYMENT_TIMEOUT_MS: "500",
    ...lab.environment,
    ...environment,
  });

export const prepare = (node: TestNode, customerId = "customer-1"): Promise<PaymentSummary> =>
  node.call("payment.prepare", { orderId: newId(), customerId, amount: won(PRICE) });

export const confirm = (node: TestNode, { orderId }: PaymentSummary, paymentKey: string) =>
  node.call("payment.confirm", { orderId, paymentKey });

export const close = (node: TestNode, { orderId }: PaymentSummary) =>
  node.call("payment.close", { orderId, reason: "cancelled by the customer" });

export const refund = (node: TestNode, { orderId }: PaymentSummary, amount: number, refundId = newId()) =>
  node.call("payment.refund", { orderId, refundId, amount: won(amount), reason: "broken" });

export const look = (node: TestNode, { id }: { id: string }) =>
  node.as<PaymentSummary & { refunds: { status: string }[] }>(
    { user: { id: "admin-1", roles: ["admin"], sid: "session-1" } },
    "payment.get",
    { id },
  );

export const hook = (node: TestNode, provider: string, { body, headers }: Delivery) =>
  node.as<object>({}, "payment.webhook", { provider, body, headers });
