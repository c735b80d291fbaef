import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import type { Meta } from "../../lib/actions";
import { declareConfig, key, type Settings } from "../../lib/config/declaration";
import { readEnvironment } from "../../lib/environment";
import { newId } from "../../lib/ids";
import { nodeOf } from "../../lib/node";
import { Strict, Type } from "../../lib/schema";
import { brokerOptions } from "../../moleculer.config";
import type { ConfigView, VersionView } from "../../services/config/config.schema";
import configService from "../../services/config/config.service";
import { eventually } from "./node";
import { ADMIN } from "./product.parts";

export const lampConfig = declareConfig("lamp", {
  brightness: key("lamp.brightness", Type.Integer({ minimum: 0, maximum: 100 }), {
    default: 50,
    unit: "percent",
    description: "How bright it is",
  }),
  hours: key("lamp.hours", Type.Union([Type.Literal("off"), Strict({ from: Type.String(), to: Type.String() })]), {
    default: "off",
    description: "When it shines",
  }),
  password: key("lamp.password", Type.String({ maxLength: 100 }), {
    default: "",
    secret: true,
    description: "What it asks for",
  }),
  socket: key("lamp.socket", Type.Integer({ minimum: 1 }), {
    default: 1,
    restart: true,
    description: "Where it is plugged in",
  }),
});

/** A service with keys of every kind; its settings as they are read inside of it. */
export const lampService = (broker: ServiceBroker): ServiceSchema => ({
  name: "lamp",
  metadata: { config: nodeOf(broker).config.metadata(lampConfig) },
  created: () => void nodeOf(broker).config.of(lampConfig),
});

type Service = (broker: ServiceBroker) => ServiceSchema;

interface NodeOfCluster {
  broker: ServiceBroker;
  dataDir: string;
  lamp: Settings<typeof lampConfig>;
  put: (application: string, properties: object, more?: { profile?: string; label?: string }) => Promise<ConfigView>;
  get: (application: string, profile?: string, label?: string) => Promise<ConfigView>;
  history: (params?: object) => Promise<{ items: VersionView[]; nextCursor: string | null }>;
  rollback: (version: number) => Promise<VersionView>;
}

export const folderOf = (files: Record<string, string>): string => {
  const folder = mkdtempSync(join(tmpdir(), "shop-config-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
};

/** Nodes in this process that reach each other over a transporter of Moleculer's. */
export class Cluster {
  private readonly brokers: ServiceBroker[] = [];
  private readonly folders: string[] = [];

  constructor(readonly namespace = newId()) {}

  /** A folder that lives as long as the cluster. */
  folder(files: Record<string, string> = {}): string {
    const folder = folderOf(files);
    this.folders.push(folder);
    return folder;
  }

  async start(services: Service[], environment: Record<string, string> = {}): Promise<NodeOfCluster> {
    const dataDir = environment.DATA_DIR ?? this.folder();
    const defaults = { OPS_PORT: "0", LOG_LEVEL: "fatal", DEMO_DATA: "off", CONFIG_DIR: this.folder() };
    const settings: Record<string, string> = { ...defaults, ...environment };
    const options = brokerOptions(readEnvironment({ ...settings, DATA_DIR: dataDir, NAMESPACE: this.namespace }));
    const broker = new ServiceBroker({ ...options, ...(!settings.NATS_URL && { transporter: "Fake" }) });
    this.brokers.push(broker);
    for (const service of services) broker.createService(service(broker));
    await broker.start();
    const ask = <R>(action: string, params: object, meta: Meta = ADMIN) =>
      broker.call<R, object>(action, params, { meta });
    return {
      broker,
      dataDir,
      lamp: nodeOf(broker).config.of(lampConfig),
      put: (application, properties, { profile = "default", label } = {}) =>
        ask("config.put", { application, profile, properties, ...(label && { label }) }),
      get: (application, profile = "default", label?) =>
        ask("config.get", { application, profile, ...(label && { label }) }),
      history: (params = { limit: 100 }) => ask("config.history", params),
      rollback: (version) => ask("config.rollback", { version }),
    };
  }

  /** One node that hosts both. */
  one = (environment: Record<string, string> = {}) => this.start([configService, lampService], environment);

  /** Resolves when each node knows the services of all: what is broadcast goes to those that are known. */
  async acquainted(): Promise<void> {
    const known = ({ registry }: ServiceBroker) =>
      new Set(registry.getServiceList({ onlyAvailable: true, skipInternal: true }).map(({ nodeID }) => nodeID));
    await eventually(() =>
      this.brokers.every((broker) => this.brokers.every(({ nodeID }) => known(broker).has(nodeID))),
    );
  }

  async stopAll(): Promise<void> {
    for (const broker of this.brokers.splice(0)) await broker.stop();
  }

  async end(): Promise<void> {
    await this.stopAll();
    for (const folder of this.folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}
