import type { ServiceBroker } from "moleculer";
import { nodeOf } from "../../../lib/node";

const ports = new WeakMap<ServiceBroker, number>();

export const announceSandbox = (broker: ServiceBroker, port: number) => ports.set(broker, port);

/**
 * Where this node reaches its sandbox and, by the public host's name, where a customer's browser does. Asked each time:
 * the port is known once the sandbox listens.
 */
export function sandboxUrl(broker: ServiceBroker, from: "node" | "browser"): string {
  const { payment, webUrl } = nodeOf(broker).environment;
  if (payment.sandbox.url) return payment.sandbox.url;
  const port = ports.get(broker) ?? payment.sandbox.port;
  return from === "node" ? `http://127.0.0.1:${port}` : `http://${new URL(webUrl).hostname}:${port}`;
}
