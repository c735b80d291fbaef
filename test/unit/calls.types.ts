import type { Call } from "../../lib/actions";
import { type OrderFact, orderEvents } from "../../services/order/order.events";

/** Calls between contexts are typed by the schemas of the action that is asked: `tsc` fails where one of these compiles. */
export function misuses(call: Call): Promise<unknown>[] {
  return [
    call("product.quote", { skus: ["A"] }),
    // @ts-expect-error: no such action
    call("product.quotes", { skus: ["A"] }),
    // @ts-expect-error: its params are missing
    call("product.quote", {}),
    // @ts-expect-error: an id is a text
    call("user.find", { id: 1 }),
    // @ts-expect-error: a field that it does not know
    call("payment.settle", { orderId: "o", force: true }),
    call("user.find", { id: "u" }).then((user) => user.email?.length),
    // @ts-expect-error: an address may be missing
    call("user.find", { id: "u" }).then((user) => user.email.length),
  ];
}

/** Facts are typed by the schema of their type. */
export function misstated(base: OrderFact<"order.paid">, amount: OrderFact<"order.refunded">["amount"]): unknown[] {
  return [
    orderEvents.entry("order.paid", base),
    orderEvents.entry("order.refunded", { ...base, reason: "broken", amount }),
    // @ts-expect-error: a refund has an amount
    orderEvents.entry("order.refunded", { ...base, reason: "broken" }),
    // @ts-expect-error: no such fact
    orderEvents.entry("order.lost", base),
  ];
}
