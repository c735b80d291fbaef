interface Charge {
  status: string;
  totalAmount: number;
  balanceAmount: number;
}

/** What the sandbox holds of an order's money in minor units, asked of it as any of its merchants asks. */
export async function heldFor(sandboxPort: number, orderId: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${sandboxPort}/v1/payments/orders/${orderId}`, {
    headers: { Authorization: `Basic ${Buffer.from("test_sk_sandbox:").toString("base64")}` },
  });
  if (response.status === 404) return 0;
  const charge = (await response.json()) as Charge;
  return ["DONE", "CANCELED", "PARTIAL_CANCELED"].includes(charge.status) ? charge.balanceAmount : 0;
}
