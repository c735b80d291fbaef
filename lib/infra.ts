import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { composeAnswers, composeServers } from "./infra/compose";
import { findDaemon, logOf, signalDaemon, startDaemon } from "./infra/daemon";
import { projectRoot } from "./infra/programs";
import { optionalServerNames, recipeOf, type ServerName, serverNames } from "./infra/recipes";

export { composeAnswers, composeServers } from "./infra/compose";
export { isServerName, optionalServerNames, recipeOf, type ServerName, serverNames } from "./infra/recipes";

export interface ServerStatus {
  name: ServerName;
  /** `given`: its address came by environment, and whoever gave it looks after it. */
  state: "running" | "paused" | "stopped" | "given";
  /** What it is: nats-server, mongod, mongo-java-server, docker compose ... */
  kind?: string;
  url: string;
  pid?: number;
  log?: string;
}

/**
 * NATS, Redis, MongoDB and Kafka as one set, and Zipkin once it was started by its name. Without names an operation is about
 * all of the set; given servers are left alone.
 */
export interface Servers {
  readonly names: readonly ServerName[];
  /** Resolves when each takes connections; starting what runs does nothing, and what is paused goes on. */
  start(...names: ServerName[]): Promise<void>;
  /** SIGTERM, and waits until it is gone: no acknowledged write is lost. */
  stop(...names: ServerName[]): Promise<void>;
  /** SIGKILL. The Java stand-in for MongoDB may lose the last second of acknowledged writes, the others none. */
  kill(...names: ServerName[]): Promise<void>;
  /** SIGSTOP: connections are still taken by the kernel, nothing is answered. */
  pause(...names: ServerName[]): Promise<void>;
  resume(...names: ServerName[]): Promise<void>;
  status(): Promise<ServerStatus[]>;
  /** The addresses, as the project's environment variables. */
  env(): Promise<Record<string, string>>;
}

export interface ServersOptions {
  /** Data, logs and pids; default `INFRA_DIR`, else `.infra` in the project. A set is one folder. */
  dir?: string;
  /** First of ten ports; default `INFRA_PORT`, else 24220. */
  basePort?: number;
  names?: readonly ServerName[];
  /** Where given addresses are looked up; default the environment. `{}` for servers of one's own whatever it says. */
  given?: Readonly<Record<string, string | undefined>>;
}

export interface Missing {
  name: ServerName;
  /** What is missing and how to get it, in one line. */
  text: string;
}

/** A set of servers that run as programs on this machine. They outlive this process. */
export function servers(options: ServersOptions = {}): Servers {
  const dir = resolve(options.dir ?? (process.env.INFRA_DIR || join(projectRoot(), ".infra")));
  const basePort = options.basePort ?? (Number(process.env.INFRA_PORT) || 24220);
  const given = options.given ?? process.env;
  const names = () =>
    options.names ?? [...serverNames, ...optionalServerNames.filter((name) => findDaemon(dir, name) !== undefined)];
  const portOf = (name: ServerName) => findDaemon(dir, name)?.port ?? basePort + recipeOf(name).offset;

  const startOne = async (name: ServerName) => {
    const daemon = findDaemon(dir, name);
    if (daemon?.paused) await signalDaemon(dir, name, "SIGCONT");
    if (daemon) return;
    const found = await recipeOf(name).find();
    if (typeof found === "string") throw new Error(missingText(name, found));
    const port = portOf(name);
    const data = join(dir, name);
    mkdirSync(data, { recursive: true });
    const args = await found.args(data, port);
    await startDaemon(dir, name, port, { kind: found.kind, command: found.command, args });
  };
  /** Everything that can be done is done before a failure is reported. */
  const each = async (chosen: readonly ServerName[], act: (name: ServerName) => Promise<void>) => {
    const mine = (chosen.length > 0 ? chosen : names()).filter((name) => !given[recipeOf(name).variable]);
    const results = await Promise.allSettled(mine.map(act));
    const failures = results.flatMap((result) => (result.status === "rejected" ? [String(result.reason)] : []));
    if (failures.length > 0) throw new Error(failures.map((text) => text.replace(/^Error: /, "")).join("\n"));
  };
  const send = (signal: NodeJS.Signals) => (name: ServerName) => signalDaemon(dir, name, signal);

  const statusOf = (name: ServerName): ServerStatus => {
    const { variable, url } = recipeOf(name);
    const address = given[variable];
    if (address) return { name, state: "given", kind: `by ${variable}`, url: address };
    const daemon = findDaemon(dir, name);
    if (!daemon) return { name, state: "stopped", url: url(portOf(name)) };
    const { pid, port, kind, paused } = daemon;
    return { name, state: paused ? "paused" : "running", kind, url: url(port), pid, log: logOf(dir, name) };
  };

  return {
    get names() {
      return names();
    },
    start: (...chosen) => each(chosen, startOne),
    stop: (...chosen) => each(chosen, send("SIGTERM")),
    kill: (...chosen) => each(chosen, send("SIGKILL")),
    pause: (...chosen) => each(chosen, send("SIGSTOP")),
    resume: (...chosen) => each(chosen, send("SIGCONT")),
    status: async () => names().map(statusOf),
    env: async () => Object.fromEntries(names().map((name) => [recipeOf(name).variable, statusOf(name).url])),
  };
}

/**
 * What could not be run here, by name; a given server is not missing. It looks in earnest, so that the first call may
 * download a mongod or the jars.
 */
export async function missing({ names = serverNames, given = process.env }: ServersOptions = {}): Promise<Missing[]> {
  const wanted = names.filter((name) => !given[recipeOf(name).variable]);
  const looked = await Promise.all(
    wanted.map(async (name) => {
      const found = await recipeOf(name).find();
      return typeof found === "string" ? [{ name, text: missingText(name, found) }] : [];
    }),
  );
  return looked.flat();
}

/** The set that `npm run infra` started: programs, else the Compose services where an engine answers. */
export async function startedServers(): Promise<Servers> {
  const programs = servers();
  const someRun = async (set: Servers) => (await set.status()).some(({ pid, state }) => pid || state === "running");
  if (process.env.INFRA_ENGINE === "programs" || (await someRun(programs)) || !(await composeAnswers()))
    return programs;
  const compose = composeServers();
  return process.env.INFRA_ENGINE === "compose" || (await someRun(compose)) ? compose : programs;
}

const missingText = (name: ServerName, reason: string) => `${recipeOf(name).hint} (${reason})`;
