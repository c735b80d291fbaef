import { readdirSync, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Middleware, Service, ServiceBroker, ServiceSchema } from "moleculer";

/** What the process is about; a reload that comes too late must not disturb a broker that stops. */
export interface Phase {
  phase: "running" | "restarting" | "ending";
}

type Loaded = Service & { __filename?: string };
type Factory = (broker: ServiceBroker) => ServiceSchema;

const ROOT = join(__dirname, "..");
const FOLDERS = ["services", "lib", "mixins", "repl"];
const LOOK_EVERY_MS = 200;

/** Another text after any edit of the code, also after one that leaves the file's own time as it was. */
export const codeState = (): string =>
  [join(ROOT, "moleculer.config.ts"), ...FOLDERS.flatMap(filesIn)]
    .map((file) => `${file} ${statSync(file, { throwIfNoEntry: false })?.ctimeMs}`)
    .join("\n");

const filesIn = (folder: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) => join(ROOT, folder, file));

const isLibrary = (file: string) => file.includes(`${sep}node_modules${sep}`);

/** The modules under a folder of the project are read again when somebody asks for them. */
export function forget(folder = ""): void {
  for (const file of Object.keys(require.cache))
    if (file.startsWith(join(ROOT, folder) + sep) && !isLibrary(file)) delete require.cache[file];
  // Else whoever loaded them would keep them, some 9 MB for each start of the broker.
  for (const module of [require.main, ...Object.values(require.cache)])
    if (module) module.children = module.children.filter((child) => require.cache[child.filename] === child);
}

/** The modules of libraries that are loaded; they keep their identity over restarts where they are put back. */
export const libraries = () => Object.fromEntries(Object.entries(require.cache).filter(([file]) => isLibrary(file)));

/** An error with the file and line that it comes from, without the frames of what loads files. */
const located = (error: unknown): string =>
  (error instanceof Error ? (error.stack ?? error.message) : String(error))
    .split("\n")
    .filter((line) => !/^\s+at .*(node_modules|node:)/.test(line))
    .join("\n");

interface Attempt<T> {
  load: () => T;
  onError: (text: string) => void;
  /** Asked before each further try; without it the answer is undefined. */
  wanted: () => boolean;
  /** The folder whose modules are read again. */
  folder?: string;
}

/** Tries, and where that throws says so and tries again after each edit. */
export async function whenItLoads<T>({ load, onError, wanted, folder }: Attempt<T>): Promise<T | undefined> {
  while (wanted()) {
    const seen = codeState();
    try {
      return load();
    } catch (error) {
      onError(located(error));
    }
    while (wanted() && codeState() === seen) await delay(LOOK_EVERY_MS);
    forget(folder);
  }
  return undefined;
}

const never = () => new Promise<void>(() => undefined);

/**
 * For development: hot reload destroys a service before it knows whether the new code loads. Here the old one keeps
 * running until it does; the log says what is wrong, with file and line.
 */
export const keepRunningMiddleware = (files: readonly string[], dev: Phase): Middleware => ({
  name: "KeepRunning",
  created(broker) {
    const prepared = new Map<string, ServiceSchema>();
    prepareBeforeDestroying(broker, dev, prepared);
    guardLoading(broker, files, prepared);
    // Moleculer's own line leaves out why.
    broker.localBus.on("$broker.error", ({ error }: { error: unknown }) => broker.logger.error(located(error)));
  },
});

function prepareBeforeDestroying(broker: ServiceBroker, dev: Phase, prepared: Map<string, ServiceSchema>): void {
  const taken = new WeakSet<Loaded>();
  const destroy = broker.destroyService.bind(broker);
  broker.destroyService = async (asked: Loaded) => {
    const file = asked.__filename;
    if (!file || dev.phase === "ending") return destroy(asked);
    // Hot reload may ask for a service that was replaced meanwhile; an edit after that left the cache without its file.
    const successor = broker.services.find((other: Loaded) => other.__filename === file && !require.cache[file]);
    const service = taken.has(asked) ? successor : asked;
    if (dev.phase === "restarting" || !service || taken.has(service)) return never();
    taken.add(service);
    const schema = await whenItLoads({
      load: () => (require(file) as { default: Factory }).default(broker),
      onError: (text) => broker.logger.error(`'${service.name}' goes on with its old code, the new one fails: ${text}`),
      wanted: () => dev.phase === "running",
      folder: "services",
    });
    if (!schema) return never();
    prepared.set(file, schema);
    return destroy(service);
  };
}

/** Hot reload loads what it believes to be a service, an imported file too, and dies of an error in it. */
function guardLoading(broker: ServiceBroker, files: readonly string[], prepared: Map<string, ServiceSchema>): void {
  const load = broker.loadService.bind(broker);
  const create = (file: string): Service => {
    const schema = prepared.get(file);
    prepared.delete(file);
    if (!schema || !require.cache[file]) return load(file);
    return Object.assign(broker.createService(schema), { __filename: file });
  };
  const isAbsent = (file: string) => !broker.services.some((service: Loaded) => service.__filename === file);
  broker.loadService = (path) => {
    if (!broker.started) return load(path);
    const asked = resolve(path);
    const absent = files.includes(asked) ? [asked] : files.filter(isAbsent);
    try {
      return absent.map(create)[0] as Service;
    } catch (error) {
      broker.logger.error(`${asked} cannot be loaded: ${located(error)}`);
      return undefined as unknown as Service;
    }
  };
}
