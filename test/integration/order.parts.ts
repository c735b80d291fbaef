import type { Meta } from "../../lib/actions";
import { newId } from "../../lib/ids";
import { freePorts } from "../../lib/infra/ports";
import type { OrderView } from "../../services/order/order.schema";
import orderService from "../../services/order/order.service";
import paymentService from "../../services/payment/payment.service";
import sandboxService from "../../services/payment/sandbox.service";
import productService from "../../services/product/product.service";
import userService from "../../services/user/user.service";
import { startNode, type TestNode } from "./node";
import { ADMIN } from "./product.parts";
import { type SlowProvider, slowProvider } from "./slow-provider";

export const shippingAddress = {
  recipient: "Hong",
  phone: "010-1234-5678",
  postalCode: "04524",
  line1: "Sejong-daero 110",
  country: "KR",
};
export const customer = (id = newId()): Meta => ({ user: { id, roles: ["customer"], sid: "s" } });

/** A node with all that an order needs, and a payment provider that can be slow and lose answers. */
export class OrderLab {
  private constructor(
    readonly node: TestNode,
    readonly provider: SlowProvider,
    private readonly sandboxUrl: string,
  ) {}

  static async start(more: Record<string, string> = {}): Promise<OrderLab> {
    const [port = 0] = await freePorts(1);
    const sandboxUrl = `http://127.0.0.1:${port}`;
    const provider = await slowProvider(() => sandboxUrl);
    const node = await startNode([productService, paymentService, sandboxService, userService, orderService], {
      LEASE_MS: "500",
      PAYMENT_TIMEOUT_MS: "1000",
      SANDBOX_PORT: String(port),
      SANDBOX_URL: provider.url,
      ORDER_SHIPPING_FEE: "0",
      ...more,
    });
    return new OrderLab(node, provider, sandboxUrl);
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await this.provider.close();
  }

  ask<R = OrderView>(meta: Meta, action: string, params: object, key: string = newId()): Promise<R> {
    return this.node.as<R>({ ...meta, idempotencyKey: key }, `order.${action}`, params);
  }

  place(meta: Meta, sku: string, quantity = 1): Promise<OrderView> {
    return this.ask(meta, "place", { items: [{ sku, quantity }], shippingAddress });
  }

  find(id: string): Promise<OrderView> {
    return this.node.as<OrderView>(ADMIN, "order.find", { id });
  }

  async checkout(order: OrderView, card = "4242424242424242"): Promise<string> {
    const { orderId, amount } = order.payment.client;
    const response = await fetch(`${this.sandboxUrl}/checkout`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ orderId, amount, card }),
    });
    return ((await response.json()) as { paymentKey: string }).paymentKey;
  }

  async paid(meta: Meta, sku: string, quantity = 1): Promise<OrderView> {
    const order = await this.place(meta, sku, quantity);
    const paymentKey = await this.checkout(order);
    return this.ask(meta, "pay", { id: order.id, paymentKey, amount: order.totals.total });
  }

  /** The sandbox's own view of what it holds of an order's money. */
  async held({ id }: OrderView): Promise<number> {
    const headers = { Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}` };
    const response = await fetch(`${this.sandboxUrl}/v1/payments/orders/${id}`, { headers });
    return ((await response.json()) as { balanceAmount: number }).balanceAmount;
  }
}
