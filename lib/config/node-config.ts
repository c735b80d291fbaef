import { type Static, Type } from "../schema";
import { type Ciphers, MASK } from "./cipher";
import { type ConfigMetadata, type Declaration, type Settings, SHARED } from "./declaration";
import { Setting } from "./setting";
import { sharedConfig } from "./shared";

/** What `config` answers a node: values by application and key, those that are set; ciphers as they are. */
export const NodeValues = Type.Object({
  version: Type.Integer(),
  /** The same for the same values. */
  etag: Type.String(),
  values: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())),
});
export type NodeValues = Static<typeof NodeValues>;

interface Parts {
  /** Values that environment variables give, by key. */
  environment: Readonly<Record<string, unknown>>;
  ciphers: Ciphers;
  logger: Pick<Console, "info" | "warn" | "error">;
}

export interface Deviation {
  application: string;
  key: string;
  pendingRestart: boolean;
  /** Why the newest value cannot be used. */
  refused: string | undefined;
}

type Listener = (value: unknown) => void;

/**
 * The configuration of the applications that a node hosts: declared defaults, over them the environment, over that what
 * `config` says, which changes while the node runs.
 */
export class NodeConfig {
  private readonly settings = new Map<string, Setting>();
  private readonly listeners = new Map<string, Set<Listener>>();
  private latest: NodeValues = { version: 0, etag: "", values: {} };
  private running = false;

  constructor(private readonly parts: Parts) {
    this.host(SHARED);
  }

  /** Names of the keys that this node reads, by application. */
  get wanted(): Record<string, string[]> {
    const wanted: Record<string, string[]> = {};
    const sorted = [...this.settings].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, { application, key }] of sorted) wanted[application] = [...(wanted[application] ?? []), key.name];
    return wanted;
  }

  /** Names of those that are secret, which `config` may not know yet. */
  get secrets(): string[] {
    const secrets = [...this.settings.values()].filter(({ key }) => key.secret).map(({ key }) => key.name);
    return [...new Set(secrets)].sort();
  }

  get version(): number {
    return this.latest.version;
  }

  get etag(): string {
    return this.latest.etag;
  }

  get values(): NodeValues["values"] {
    return this.latest.values;
  }

  /** An application has what all share, whether it declares keys of its own or not. */
  host(application: string): void {
    this.of(sharedConfig, application);
  }

  /** The values of a declaration's keys, for its own application or another one (of what all share). */
  of<D extends Declaration>(declaration: D, application: string = declaration.application): Settings<D> {
    const accessor = {};
    for (const [name, declared] of Object.entries(declaration.keys)) {
      const place = placeOf(application, declared.name);
      if (this.settings.get(place)?.key !== declared) {
        const setting = new Setting(application, declared, this.parts.environment[declared.name], this.parts.ciphers);
        this.settings.set(place, setting);
        this.take(setting, true);
      }
      Object.defineProperty(accessor, name, {
        enumerable: !declared.secret,
        get: () => this.settings.get(place)?.value,
      });
    }
    return accessor as Settings<D>;
  }

  /** Calls `listener` with each later value of one key; answers what ends that. */
  onChange<D extends Declaration, N extends keyof D["keys"] & string>(
    declaration: D,
    name: N,
    listener: (value: Settings<D>[N]) => void,
    application: string = declaration.application,
  ): () => void {
    this.of(declaration, application);
    const place = placeOf(application, declaration.keys[name]?.name ?? name);
    const listeners = this.listeners.get(place) ?? new Set();
    this.listeners.set(place, listeners.add(listener as Listener));
    return () => void listeners.delete(listener as Listener);
  }

  /** For a service's `metadata.config`. */
  metadata({ keys }: Pick<Declaration, "keys">): ConfigMetadata {
    const declared = Object.values(keys);
    const given = [...Object.values(sharedConfig.keys), ...declared].filter(
      ({ name }) => this.parts.environment[name] !== undefined,
    );
    return {
      keys: declared.map((one) => ({ ...one, schema: JSON.parse(JSON.stringify(one.schema)) as object })),
      environment: Object.fromEntries(
        given.map(({ name, secret }) => [name, secret ? MASK : this.parts.environment[name]]),
      ),
    };
  }

  /** Takes what `config` says. The first time, before services start, an unreadable secret throws UnreadableCipher. */
  update(values: NodeValues): void {
    this.latest = values;
    for (const setting of this.settings.values()) this.take(setting, !this.running);
  }

  /** From now on changes are live: what needs a restart waits for it, and what cannot be read is not taken. */
  run(): void {
    this.running = true;
  }

  /** Keys whose newest value is not the one that holds, and why. */
  deviations(): Deviation[] {
    return [...this.settings.values()].flatMap(({ application, key, pendingRestart, refused }) =>
      pendingRestart || refused ? [{ application, key: key.name, pendingRestart, refused }] : [],
    );
  }

  /** Has a setting take what was said last. */
  private take(setting: Setting, first: boolean): void {
    const { application, key } = setting;
    const before = setting.refused ?? setting.pendingRestart;
    const outcome = setting.take(this.latest.values[application]?.[key.name], first);
    const line = { application, key: key.name, version: this.latest.version };
    const isNews = before !== (setting.refused ?? setting.pendingRestart);
    if (outcome === "refused" && isNews)
      this.parts.logger.error({ ...line, reason: setting.refused }, "a value of the configuration is not taken");
    if (outcome === "pending" && isNews)
      this.parts.logger.warn({ ...line, pendingRestart: true }, "a change of the configuration needs a restart");
    if (outcome !== "changed") return;
    if (!first) this.parts.logger.info(line, "the configuration changed");
    for (const listener of this.listeners.get(placeOf(application, key.name)) ?? []) listener(setting.value);
  }
}

const placeOf = (application: string, key: string): string => `${application} ${key}`;
