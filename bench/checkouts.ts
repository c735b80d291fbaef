import { expectStatus, type Product, type Shop } from "../test/e2e/shop";

/** Customers who buy by turns: a shop has many with few orders each. */
const ACCOUNTS = 128;

/** A journey that places and pays an order; answers the milliseconds of these two requests. */
export async function checkoutJourney(shop: Shop): Promise<() => Promise<number>> {
  const tokens: string[] = [];
  for (let i = 0; i < ACCOUNTS; i++) tokens.push((await shop.register()).accessToken);
  const { items } = expectStatus(await shop.call<{ items: Product[] }>("GET", "/products?limit=100"), 200);
  const admin = (await shop.admin()).accessToken;
  const skus = items.flatMap((product) => product.variants.map((variant) => variant.sku)).slice(0, 100);
  for (const sku of skus) {
    const body = { delta: 100_000, reason: "bench" };
    expectStatus(await shop.call("POST", `/inventory/${sku}/adjustments`, { token: admin, body }), 200);
  }
  let next = 0;
  return async () => {
    const token = tokens[next % tokens.length] ?? "";
    const sku = skus[next++ % skus.length] ?? "";
    const placing = performance.now();
    const order = expectStatus(await shop.place(token, [{ sku, quantity: 1 }]), 201);
    const placed = performance.now();
    const paymentKey = await shop.checkout(order);
    const paying = performance.now();
    expectStatus(await shop.confirm(token, order, paymentKey), 200);
    return placed - placing + (performance.now() - paying);
  };
}
