import type { Middleware, Service, ServiceBroker, ServiceSchema } from "moleculer";
import { callOf } from "../lib/actions";
import { UnreadableCipher } from "../lib/config/cipher";
import { EnvironmentError } from "../lib/environment";
import { listeners } from "../lib/events";
import { nodeOf, type ShopNode } from "../lib/node";
import { readCopy, writeCopy } from "./config-copy";
import type { LiveLevels } from "./live-levels";
import { maintenanceMixin } from "./maintenance.mixin";

/** Milliseconds between looks at what holds: how late a change is whose broadcast was lost. */
const LOOK_EVERY_MS = 5000;
/** Milliseconds that a start waits for `config` where it is there. */
const START_MS = 2000;

/** Keeps a node's configuration at what `config` says. */
class Follower {
  private first: Promise<void> | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private asked = "";

  constructor(private readonly broker: ServiceBroker) {}

  /** Before a service starts: with what `config` says, else with the last copy, else with what the environment gives. */
  async ready(): Promise<void> {
    this.first ??= this.start();
    await this.first;
    if (this.asked !== "" && this.asked !== this.wanted()) await this.refresh();
  }

  /** Asks; at most one question is under way, and one that comes meanwhile is asked after it. */
  refresh(): Promise<void> {
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async run(): Promise<void> {
    while (this.again) {
      this.again = false;
      if (this.isThere()) await this.ask().catch((error: unknown) => this.logger.debug("config did not answer", error));
    }
  }

  private async start(): Promise<void> {
    const { config, environment } = nodeOf(this.broker);
    try {
      if (this.hostsIt()) await this.broker.waitForServices("config", START_MS, 10);
      if (this.isThere()) await this.ask();
    } catch (error) {
      this.refuseUnreadable(error);
      this.logger.warn({ err: error }, "config did not answer");
    }
    if (this.asked === "") await this.startFromCopy(environment);
    config.run();
  }

  private async startFromCopy(environment: Parameters<typeof readCopy>[0]): Promise<void> {
    try {
      const copy = await readCopy(environment);
      if (copy) nodeOf(this.broker).config.update(copy);
      if (copy) this.logger.warn(`starts with the last known configuration, version ${copy.version}`);
    } catch (error) {
      this.refuseUnreadable(error);
      this.logger.warn({ err: error }, "the last known configuration cannot be used");
    }
  }

  private async ask(): Promise<void> {
    const { config, environment } = nodeOf(this.broker);
    const { profiles, label } = environment.config;
    const wanted = this.wanted();
    const { etag, version, values } = await callOf(this.broker)(
      "config.properties",
      { wanted: config.wanted, secrets: config.secrets, profiles, label, etag: config.etag },
      { timeout: START_MS },
    );
    const isNew = values !== undefined;
    config.update({ etag, version, values: values ?? config.values });
    this.asked = wanted;
    if (isNew)
      await writeCopy(environment, { etag, version, values }).catch((error: unknown) =>
        this.logger.warn({ err: error }, "the configuration cannot be kept for a start without config"),
      );
  }

  private refuseUnreadable(error: unknown): void {
    if (error instanceof UnreadableCipher) throw new EnvironmentError(error.message);
  }

  private wanted = () => JSON.stringify(nodeOf(this.broker).config.wanted);

  private hostsIt = () => this.broker.services.some(({ name }) => name === "config");

  private isThere(): boolean {
    const services = this.broker.registry.getServiceList({ onlyAvailable: true }) as unknown as { name: string }[];
    return services.some(({ name }) => name === "config");
  }

  private get logger() {
    return this.broker.getLogger("config");
  }
}

/** A node's ear for changes; internal, so that it is neither listed nor waited for. */
const listeningService = (broker: ServiceBroker, follower: Follower): ServiceSchema => ({
  name: "$config",
  mixins: [maintenanceMixin(LOOK_EVERY_MS, () => follower.refresh())],
  events: listeners({
    "config.changed": ({ params: { version } }) => {
      if (version > nodeOf(broker).config.version) void follower.refresh();
    },
  }) as ServiceSchema["events"],
});

function measure({ config, metrics }: ShopNode): void {
  metrics.configVersion.measure({}, () => config.version);
  metrics.configDeviations.sample(() =>
    config.deviations().map(({ application, key, pendingRestart }) => ({
      labels: { application, key, reason: pendingRestart ? "restart" : "refused" },
      value: 1,
    })),
  );
}

const isInternal = ({ name }: { name: string }) => name.startsWith("$");

/** Gives every service its configuration before it starts, and keeps it up to date while it runs. */
export function configMiddleware(levels: LiveLevels): Middleware {
  let follower: Follower | undefined;
  return {
    name: "Config",
    async starting(broker) {
      follower = new Follower(broker);
      measure(nodeOf(broker));
      levels.follow(broker);
      broker.createService(listeningService(broker, follower));
    },
    serviceCreating(service: Service, schema: ServiceSchema) {
      if (isInternal(schema)) return;
      const { config } = nodeOf(service.broker);
      config.host(schema.name);
      levels.follow(service.broker, schema.name);
      schema.metadata = { config: config.metadata({ keys: {} }), ...schema.metadata };
    },
    async serviceStarting(service: Service) {
      if (!isInternal(service) && service.name !== "config") await follower?.ready();
    },
  };
}
