import type { Middleware, ServiceBroker } from "moleculer";
import type { NatsConnection } from "nats";

interface NatsTransporter {
  client?: NatsConnection;
  onConnected(wasReconnect: boolean): Promise<unknown>;
}

function transporterOf(broker: ServiceBroker): NatsTransporter | undefined {
  return (broker.transit as { tx?: NatsTransporter } | undefined)?.tx;
}

/** The NATS connection below Moleculer's transporter, which itself says "connected" during an outage. */
export const natsClient = (broker: ServiceBroker): NatsConnection | undefined => transporterOf(broker)?.client;

async function follow(transporter: NatsTransporter, client: NatsConnection): Promise<void> {
  for await (const { type } of client.status()) if (type === "reconnect") await transporter.onConnected(true);
}

/**
 * Tells the broker when the client of NATS is back, as Moleculer's other transporters do: nodes introduce themselves anew,
 * and `$transporter.connected` is heard. Says by its code why it cannot be reached at a start.
 */
export const natsReconnects = {
  name: "NatsReconnects",
  created(broker: ServiceBroker) {
    broker.localBus.on("$transporter.error", ({ error }: { error: { code?: string } }) =>
      broker.logger.error({ code: error.code }, "NATS cannot be used"),
    );
  },
  async started(broker: ServiceBroker) {
    const transporter = transporterOf(broker);
    if (!transporter?.client?.status) return;
    void follow(transporter, transporter.client).catch((error: unknown) =>
      broker.logger.warn({ err: error }, "NATS is back, and not all nodes were told"),
    );
  },
} as unknown as Middleware;
