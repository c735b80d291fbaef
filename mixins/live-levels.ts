import { Loggers, type ServiceBroker } from "moleculer";
import type { Logger } from "pino";
import { type LOG_LEVELS, sharedConfig } from "../lib/config/shared";
import { nodeOf } from "../lib/node";

interface Made {
  logger: Logger;
  module: string;
}

type Level = (typeof LOG_LEVELS)[number];
type Bindings = Parameters<Loggers.Pino["getLogHandler"]>[0];
type LogHandler = NonNullable<ReturnType<Loggers.Pino["getLogHandler"]>>;

/** Moleculer's pino logger, with levels that change while the node runs: one for all, and one of its own for each service. */
export class LiveLevels extends Loggers.Pino {
  private readonly made: Made[] = [];
  private readonly levels = new Map<string, () => Level>();
  private level: () => Level;
  private forced: Level | undefined;

  constructor(level: Level, options: object) {
    super(options);
    this.level = () => level;
  }

  override getLogLevel(module: string): Level {
    if (this.forced) return this.forced;
    const level = (this.levels.get(module.toUpperCase()) ?? this.level)();
    // What the registry says of each node and service, at every start, is more than anybody reads.
    return level === "info" && module.toUpperCase().startsWith("REGISTRY") ? "warn" : level;
  }

  override getLogHandler(bindings: Bindings): LogHandler {
    const module = bindings.mod ?? "";
    const { pino } = this as unknown as { pino: Logger };
    const logger = pino.child(bindings, { level: this.getLogLevel(module) });
    this.made.push({ logger, module });
    return (type, args) => logger[type](...(args as [string]));
  }

  /** From now on the level is the configuration's: of one service, or of all that have none of their own. */
  follow(broker: ServiceBroker, service?: string): void {
    const { config } = nodeOf(broker);
    const settings = config.of(sharedConfig, service);
    const level = () => settings.logLevel;
    if (service === undefined) this.level = level;
    else this.levels.set(service.toUpperCase(), level);
    config.onChange(sharedConfig, "logLevel", this.apply, service);
    this.apply();
  }

  /** The levels of a node's logs. */
  static of({ options: { logger } }: ServiceBroker): LiveLevels {
    if (logger instanceof LiveLevels) return logger;
    throw new Error("this broker was not made from moleculer.config.ts");
  }

  /** Of this node alone, whatever the configuration says; undefined ends that. */
  force(level: Level | undefined): void {
    this.forced = level;
    this.apply();
  }

  private readonly apply = (): void => {
    for (const { logger, module } of this.made) logger.level = this.getLogLevel(module);
  };
}
