import type { ServiceBroker } from "moleculer";
import { notFound } from "../../../lib/errors";
import { nodeOf } from "../../../lib/node";
import { paymentConfig } from "../payment.config";
import { sandboxUrl } from "../sandbox/address";
import type { Provider } from "./provider";
import { tossProvider } from "./toss";
import { tracedProvider } from "./traced";

export interface Providers {
  /** New payments go here. */
  chosen: Provider;
  /** Also one that was chosen earlier, while it has its keys: its payments may still be refunded. Throws 404 PROVIDER_NOT_FOUND. */
  named: (name: string) => Provider;
}

/** The adapters that have keys. */
export function providersOf(broker: ServiceBroker): Providers {
  const { config, environment } = nodeOf(broker);
  const { provider: chosen, timeoutMs, toss, stripe, sandbox } = environment.payment;
  const settings = config.of(paymentConfig);
  const all: Provider[] = [];
  if (chosen === "sandbox" || sandbox.url)
    all.push(
      tossProvider({
        name: "sandbox",
        url: () => sandboxUrl(broker, "node"),
        secretKey: () => sandbox.secretKey,
        timeoutMs,
        client: ({ orderId, amount }) => ({
          checkoutUrl: `${sandboxUrl(broker, "browser")}/checkout`,
          orderId,
          amount: amount.amount,
        }),
      }),
    );
  all.push(
    tossProvider({
      name: "toss",
      url: () => toss.url,
      secretKey: () => settings.tossSecretKey,
      timeoutMs,
      client: ({ orderId, amount }) => ({ clientKey: toss.clientKey, orderId, amount: amount.amount }),
    }),
  );
  /** Toss may get its key, and lose it, while the node runs. */
  const isConfigured = (name: string) => name !== "toss" || chosen === "toss" || settings.tossSecretKey !== "";
  if (chosen === "stripe" && !stripe.secretKey)
    throw new Error("STRIPE_SECRET_KEY is not set: PAYMENT_PROVIDER=stripe needs it");
  if (stripe.secretKey) {
    // Its library is loaded only where it is used: some 50 ms.
    const { stripeProvider } = require("./stripe") as typeof import("./stripe");
    all.push(stripeProvider({ ...stripe, timeoutMs }));
  }
  const named = (name: string): Provider => {
    const provider = all.find((candidate) => candidate.name === name);
    if (!provider || !isConfigured(name))
      throw notFound("PROVIDER_NOT_FOUND", "That payment provider is not configured.");
    return tracedProvider(provider, nodeOf(broker).tracer);
  };
  return { chosen: named(chosen), named };
}
