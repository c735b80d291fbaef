import type { ServiceBroker, ServiceSchema } from "moleculer";
import { action, callerOf } from "../../lib/actions";
import { Ciphers } from "../../lib/config/cipher";
import { broadcast } from "../../lib/events";
import { nodeOf } from "../../lib/node";
import { collectionsMixin } from "../../mixins/collections.mixin";
import { maintenanceMixin } from "../../mixins/maintenance.mixin";
import { applicationCollection, catalogueOf } from "./catalogue";
import { changing } from "./changing";
import { demandReadable } from "./ciphers";
import { readFiles } from "./config.files";
import * as schema from "./config.schema";
import { configStore } from "./config.store";
import { reading } from "./reading";
import { versionView } from "./view";

/** Milliseconds between looks at what discovery says of applications. */
const LOOK_EVERY_MS = 2000;

/** Central configuration: what is set for which application, by files and over REST, and who changed it when. */
export default function configService(broker: ServiceBroker): ServiceSchema {
  const { environment, store } = nodeOf(broker);
  const logger = broker.getLogger("config");
  const files = readFiles(environment.config.directory);
  const versions = configStore(store);
  const applications = applicationCollection(store);
  const catalogue = catalogueOf(broker, applications);
  const ciphers = new Ciphers(environment.config.keys);
  const changed = (version: number) => broadcast(broker, "config.changed", { version });
  const change = changing({ store: versions, catalogue, ciphers, changed });
  const read = reading({ store: versions, catalogue, files, warn: (text) => logger.warn(text) });
  const labelOf = (label = environment.config.label) => label;

  return {
    name: "config",
    mixins: [
      maintenanceMixin(LOOK_EVERY_MS, async () => {
        await catalogue.remember();
        read.warnOfUnknown();
      }),
      {
        async started() {
          await catalogue.open();
          demandReadable(ciphers, files, (await versions.latest()).entries);
        },
        stopped: () => catalogue.remember().catch(() => undefined),
      },
      collectionsMixin(versions.collection, applications),
    ],
    settings: { rest: "/" },

    actions: {
      get: action({
        rest: "GET /config/:application/:profile",
        access: ["admin"],
        summary: "What holds for an application, and which source says so; `application` is what all share",
        params: schema.GetParams,
        returns: schema.ConfigView,
        errors: [[404, "APPLICATION_NOT_FOUND"]],
        handler: ({ params: { application, profile, label } }) =>
          read.view({ application, profiles: profile.split(","), label: labelOf(label) }),
      }),

      put: action({
        rest: "PUT /config/:application/:profile",
        access: ["admin"],
        summary: "Sets values, live on every node; all of them or, where one cannot be set, none",
        params: schema.PutParams,
        returns: schema.ConfigView,
        errors: [
          [404, "APPLICATION_NOT_FOUND"],
          [503, "NO_CONFIG_KEY"],
          [503, "CONFIG_BUSY"],
        ],
        async handler(ctx) {
          const { application, profile, properties } = ctx.params;
          const label = labelOf(ctx.params.label);
          const version = await change.put({ label, application, profile }, properties, callerOf(ctx).id);
          return read.view({ application, profiles: [profile], label }, version);
        },
      }),

      history: action({
        rest: "GET /config/history",
        access: ["admin"],
        summary: "Who changed what when, of all applications, the newest first",
        params: schema.HistoryParams,
        returns: schema.History,
        async handler({ params }) {
          const { items, nextCursor } = await versions.history(params);
          return { items: items.map(versionView), nextCursor };
        },
      }),

      rollback: action({
        rest: "POST /config/rollback",
        access: ["admin"],
        summary: "Makes what was set at a version a new version; 0 is the one before the first change",
        params: schema.RollbackParams,
        returns: schema.VersionView,
        errors: [
          [404, "VERSION_NOT_FOUND"],
          [503, "CONFIG_BUSY"],
        ],
        handler: async (ctx) => versionView(await change.rollback(ctx.params.version, callerOf(ctx).id)),
      }),

      encrypt: action({
        rest: "POST /config/encrypt",
        access: ["admin"],
        summary: "A secret as the cipher that may stand in a file or be set",
        params: schema.EncryptParams,
        returns: schema.Encrypted,
        errors: [[503, "NO_CONFIG_KEY"]],
        handler: ({ params }) => ({ cipher: change.encrypt(params.value) }),
      }),

      properties: action({
        retryable: true,
        params: schema.PropertiesParams,
        returns: schema.Answered,
        handler: ({ params }) => read.properties(params),
      }),
    },
  };
}
