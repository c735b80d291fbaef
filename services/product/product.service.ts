import type { Context, ServiceBroker, ServiceSchema } from "moleculer";
import { nodeOf } from "../../lib/node";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { idempotencyMixin } from "../../mixins/idempotency.mixin";
import { sweeperMixin } from "../../mixins/sweeper.mixin";
import { adminActions } from "./admin.actions";
import { Availability, type Level } from "./availability";
import { Generation } from "./catalogue";
import { catalogueActions } from "./catalogue.actions";
import { seedDemo } from "./demo";
import { type CatalogueState, catalogueStore } from "./product.store";
import { publishing } from "./publishing";
import { stockActions } from "./stock.actions";
import { stockStore } from "./stock.store";

/** Milliseconds between looks at the catalogue's generation, since the broadcast of a change may be lost. */
const LOOK_EVERY_MS = 1000;

/** Catalogue and stock. */
export default function productService(broker: ServiceBroker): ServiceSchema {
  const { environment, store } = nodeOf(broker);
  const { leaseMs } = environment;

  const generation = new Generation();
  const availability = new Availability(async (skus) =>
    (await stock.levels(skus)).map(({ _id, available, version }) => ({ sku: _id, available, version })),
  );
  const catalogue = catalogueStore(store);
  const stock = stockStore(store, ({ _id, available, version }) => {
    const level: Level = { sku: _id, available, version };
    availability.note(level);
    void broker.broadcast("product.stock.changed", level);
  });
  const products = publishing(catalogue, stock, leaseMs, (state) => {
    generation.learn(state);
    void broker.broadcast("product.catalogue.changed", state);
  });

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
      collectionsMixin(...catalogue.collections, ...stock.collections),
    ],
    settings: { rest: "/" },

    actions: {
      ...catalogueActions(catalogue, generation, availability),
      ...adminActions(products, stock, availability),
      ...stockActions(catalogue, stock),
    },

    events: {
      "product.catalogue.changed": (ctx: Context<CatalogueState>) => generation.learn(ctx.params),
      "product.stock.changed": (ctx: Context<Level>) => availability.hear(ctx.params),
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
