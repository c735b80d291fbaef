import type { ServiceBroker, ServiceSchema } from "moleculer";
import { broadcast, listeners } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import { comesAgainWithin } from "../../lib/topics/topics";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { idempotencyMixin } from "../../mixins/idempotency.mixin";
import { maintenanceMixin } from "../../mixins/maintenance.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import { topicsMixin } from "../../mixins/topics.mixin";
import { adminActions } from "./admin.actions";
import { Availability, type Level } from "./availability";
import { Generation } from "./catalogue";
import { catalogueActions } from "./catalogue.actions";
import { seedDemo } from "./demo";
import { operationsActions } from "./operations.actions";
import { type CatalogueState, catalogueStore } from "./product.store";
import { publishing } from "./publishing";
import { popularity } from "./sales";
import { salesStore } from "./sales.store";
import { stockActions } from "./stock.actions";
import { stockStore } from "./stock.store";

/** Milliseconds between looks at the catalogue's generation, since the broadcast of a change may be lost. */
const LOOK_EVERY_MS = 1000;
/** Milliseconds between takeovers of what was sold: each makes the catalogue's pages anew. */
const POPULARITY_EVERY_MS = 2000;
const FORGET_EVERY_MS = 3600 * 1000;

/** Catalogue and stock. */
export default function productService(broker: ServiceBroker): ServiceSchema {
  const { environment, store, metrics } = nodeOf(broker);
  const { leaseMs } = environment;

  const generation = new Generation();
  const availability = new Availability(async (skus) =>
    (await stock.levels(skus)).map(({ _id, available, version }) => ({ sku: _id, available, version })),
  );
  const catalogue = catalogueStore(store);
  const stock = stockStore(store, ({ _id, available, version }) => {
    const level: Level = { sku: _id, available, version };
    availability.note(level);
    broadcast(broker, "product.stock.changed", level);
  });
  const announce = (state: CatalogueState) => {
    generation.learn(state);
    broadcast(broker, "product.catalogue.changed", state);
  };
  const products = publishing(catalogue, stock, leaseMs, announce);
  const sales = salesStore(store, comesAgainWithin(environment.topics.retentionMs));
  const popular = popularity({ catalogue, stock, sales, announce });

  let timer: NodeJS.Timeout | undefined;

  return {
    name: "product",
    mixins: [
      idempotencyMixin(broker, "product"),
      sweeperMixin({ collection: catalogue.products, handle: products.tellAgain, leaseMs }),
      sweeperMixin({
        collection: stock.stock,
        leaseMs,
        async handle(due) {
          if (!(await products.settleClaim(due))) await stock.upkeep(due);
        },
      }),
      topicsMixin(broker),
      maintenanceMixin(POPULARITY_EVERY_MS, popular.takeOver),
      maintenanceMixin(FORGET_EVERY_MS, sales.forget),
      collectionsMixin(...catalogue.collections, ...stock.collections, ...sales.collections),
    ],
    settings: { rest: "/" },

    actions: {
      ...catalogueActions(catalogue, generation, availability),
      ...adminActions(products, stock, availability),
      ...stockActions(catalogue, stock, (reason) => metrics.stockRejected.inc({ reason })),
      ...operationsActions(stock, broker.getLogger("product")),
    },

    events: listeners({
      "product.catalogue.changed": (ctx) => generation.learn(ctx.params),
      "product.stock.changed": (ctx) => availability.hear(ctx.params),
    }),

    topics: {
      "order-event": { group: "product", handler: popular.heard },
    },

    async started() {
      if (environment.demoData) await seedDemo(catalogue, stock);
      generation.learn(await catalogue.state());
      timer = setInterval(() => {
        catalogue.state().then(
          (state) => generation.learn(state),
          (error: unknown) => this.logger.warn({ err: error }, "the catalogue's generation could not be read"),
        );
      }, LOOK_EVERY_MS);
    },

    async stopped() {
      clearInterval(timer);
    },
  };
}
