import type { ServiceBroker, ServiceSchema } from "moleculer";
import { nodeOf } from "../../lib/node";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import { Background } from "./background";
import { announceSandbox } from "./sandbox/address";
import { openCharges, SandboxCharges } from "./sandbox/charges";
import { SandboxServer } from "./sandbox/server";
import { SandboxWebhooks } from "./sandbox/webhooks";

/** A payment provider to develop and test against: an HTTP server of its own that speaks the Toss Payments subset. */
export default function sandboxService(broker: ServiceBroker): ServiceSchema {
  const { environment, store } = nodeOf(broker);
  const { leaseMs, payment: settings } = environment;
  const collection = openCharges(store);
  const logger = broker.getLogger("sandbox");
  const webhooks = new SandboxWebhooks({
    charges: collection,
    url: settings.sandbox.webhookUrl,
    background: new Background(logger),
  });
  const charges = new SandboxCharges(collection, leaseMs);
  const server = new SandboxServer({ charges, webhooks, secretKey: settings.sandbox.secretKey, logger });

  return {
    name: "sandbox",
    mixins: [
      sweeperMixin({ collection, handle: (charge) => webhooks.deliver(charge), leaseMs }),
      {
        async stopped() {
          await server.close();
          await webhooks.stop();
        },
      },
      collectionsMixin(collection),
    ],

    async started() {
      const port = await server.listen(settings.sandbox.port);
      announceSandbox(broker, port);
      logger.info(`The payment sandbox listens on port ${port}`);
    },
  };
}
