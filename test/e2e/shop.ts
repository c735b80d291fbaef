import { randomUUID } from "node:crypto";

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T & { code?: string };
  headers: Headers;
}

export interface Money {
  amount: number;
  currency: string;
}

export interface Order {
  id: string;
  number: string;
  customerId: string;
  status: string;
  items: { sku: string; quantity: number; name: string; unitPrice: Money; lineTotal: Money }[];
  totals: { items: Money; shipping: Money; total: Money };
  payment: {
    id: string;
    provider: string;
    status: string;
    refunded: Money;
    client: { checkoutUrl: string; orderId: string; amount: number };
  };
  history: { status: string; at: string; by: string; reason?: string }[];
  expiresAt?: string;
}

export interface Product {
  id: string;
  slug: string;
  name: string;
  category: string;
  status: string;
  variants: { sku: string; name: string; price: Money; available: number }[];
}

export interface Tokens {
  user: { id: string; email: string; name: string; roles: string[] };
  accessToken: string;
  refreshToken: string;
}

export interface CallOptions {
  body?: unknown;
  token?: string;
  key?: string;
  headers?: Record<string, string>;
}

export const CARD = {
  good: "4242424242424242",
  declined: "4000000000000002",
  timesOut: "4000000000000119",
  retryable: "4000000000009995",
};
export const PASSWORD = "correct-horse-42";
export const ADDRESS = {
  recipient: "홍길동",
  phone: "010-1234-5678",
  postalCode: "04524",
  line1: "서울특별시 중구 세종대로 110",
  country: "KR",
};

/** The shop as a client sees it: nothing but HTTP. */
export class Shop {
  constructor(readonly origin: string) {}

  async call<T = Record<string, unknown>>(method: string, path: string, options: CallOptions = {}): Promise<Answer<T>> {
    const { body, token, key, headers } = options;
    const response = await fetch(path.startsWith("/api") ? this.origin + path : `${this.origin}/api/v1${path}`, {
      method,
      headers: {
        ...(body !== undefined && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(key && { "Idempotency-Key": key }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : null) as never, headers: response.headers };
  }

  async register(name = "Kim"): Promise<Tokens> {
    const email = `${randomUUID()}@example.com`;
    const answer = await this.call<Tokens>("POST", "/auth/register", { body: { email, password: PASSWORD, name } });
    return expectStatus(answer, 201);
  }

  async login(email: string, password: string): Promise<Tokens> {
    return expectStatus(await this.call<Tokens>("POST", "/auth/login", { body: { email, password } }), 200);
  }

  admin(): Promise<Tokens> {
    return this.login("admin@example.com", "demo-password-1234");
  }

  async place(token: string, items: { sku: string; quantity: number }[], key: string = randomUUID()) {
    return this.call<Order>("POST", "/orders", { token, key, body: { items, shippingAddress: ADDRESS } });
  }

  /** At the payment gateway, as a customer's browser does it. Answers the key to confirm with. */
  async checkout(order: Order, card = CARD.good): Promise<string> {
    const { checkoutUrl, orderId, amount } = order.payment.client;
    const response = await fetch(checkoutUrl, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ orderId, amount, card }),
    });
    const { paymentKey } = (await response.json()) as { paymentKey: string };
    return paymentKey;
  }

  confirm(token: string, order: Order, paymentKey: string, key: string = randomUUID()) {
    const body = { paymentKey, amount: order.payment.client.amount };
    return this.call<Order>("POST", `/orders/${order.id}/payment`, { token, key, body });
  }

  async order(token: string, id: string): Promise<Order> {
    return expectStatus(await this.call<Order>("GET", `/orders/${id}`, { token }), 200);
  }

  async products(query = ""): Promise<Product[]> {
    return expectStatus(await this.call<{ items: Product[] }>("GET", `/products${query}`), 200).items;
  }

  /** A product of its own for a test, so that what others buy does not matter. */
  async newProduct(admin: string, stock: number, price = 10_000): Promise<{ sku: string; product: Product }> {
    const id = randomUUID();
    const sku = `SKU-${id.slice(0, 13)}`;
    const body = {
      name: `Test product ${id}`,
      description: "For a test",
      category: "books",
      images: [],
      variants: [{ sku, name: "One", price: { amount: price, currency: "KRW" } }],
    };
    const product = expectStatus(await this.call<Product>("POST", "/products", { token: admin, body }), 201);
    const put = { delta: stock, reason: "first stock" };
    expectStatus(await this.call("POST", `/inventory/${sku}/adjustments`, { token: admin, body: put }), 200);
    return { sku, product };
  }

  async stock(admin: string, sku: string): Promise<{ available: number; reserved: number; sold: number }> {
    const answer = await this.call<{ available: number; reserved: number; sold: number }>("GET", `/inventory/${sku}`, {
      token: admin,
    });
    const { available, reserved, sold } = expectStatus(answer, 200);
    return { available, reserved, sold };
  }
}

/** The body of an answer that has the expected status; throws with all of it where it has not. */
export function expectStatus<T>(answer: Answer<T>, status: number): T {
  if (answer.status !== status) throw new Error(`${answer.status}, not ${status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
