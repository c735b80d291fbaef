import { findKafka } from "./kafka";
import { findMongo } from "./mongo";
import { which } from "./programs";
import { findZipkin } from "./zipkin";

/** A program that can run the server; `dir` is the server's own data folder, which is there; `args` may prepare it. */
export interface Found {
  kind: string;
  command: string;
  args: (dir: string, port: number) => string[] | Promise<string[]>;
}

export interface Recipe {
  /** The environment variable that carries the server's address, for the project and for whoever brings an own server. */
  variable: string;
  /** Added to the base port of a set. */
  offset: number;
  url: (port: number) => string;
  /** The address of the service of the same name in docker-compose.yml, from the host. */
  composeUrl: string;
  /** The program, or why there is none. */
  find: () => Promise<Found | string>;
  /** What `which` must know before the Debian packages count as installed. */
  programs: readonly string[];
  packages: readonly string[];
  /** How to get it, for a person. */
  hint: string;
}

const install = process.platform === "darwin" ? "brew install" : "apt-get install";

const natsUrl = (port: number) => `nats://127.0.0.1:${port}`;
const redisUrl = (port: number) => `redis://127.0.0.1:${port}`;
const mongoUrl = (port: number) => `mongodb://127.0.0.1:${port}/shop`;
const kafkaUrl = (port: number) => `127.0.0.1:${port}`;
const zipkinUrl = (port: number) => `http://127.0.0.1:${port}`;

const found = (kind: string, args: Found["args"]): Found | string => {
  const command = which(kind);
  return command ? { kind, command, args } : `${kind} is not on the PATH`;
};

/** What runs as Java. */
const JAVA = { programs: ["java", "mvn"], packages: ["default-jre-headless", "maven"] };
const JAVA_HINT = process.platform === "darwin" ? "openjdk maven" : "default-jre-headless maven";

/** Every server there is a recipe for; a further one is one more entry here and, if it is Java, a dependency in the pom. */
export const recipes = {
  nats: {
    variable: "NATS_URL",
    offset: 0,
    url: natsUrl,
    composeUrl: natsUrl(4222),
    find: async () => found("nats-server", (_dir, port) => ["-a", "127.0.0.1", "-p", String(port)]),
    programs: ["nats-server"],
    packages: ["nats-server"],
    hint: `nats-server: ${install} nats-server, or set NATS_URL`,
  },
  redis: {
    variable: "REDIS_URL",
    offset: 1,
    url: redisUrl,
    composeUrl: redisUrl(6379),
    find: async () =>
      found("redis-server", (dir, port) => {
        const files = ["--dir", dir, "--appendonly", "yes", "--save", ""];
        return ["--bind", "127.0.0.1", "--port", String(port), ...files];
      }),
    programs: ["redis-server"],
    packages: ["redis-server"],
    hint: `redis-server: ${install} ${process.platform === "darwin" ? "redis" : "redis-server"}, or set REDIS_URL`,
  },
  mongo: {
    variable: "MONGO_URL",
    offset: 2,
    url: mongoUrl,
    // The set names its member `mongo`, which only the other containers can resolve.
    composeUrl: `${mongoUrl(27017)}?directConnection=true`,
    find: () => {
      mongo ??= findMongo();
      return mongo;
    },
    ...JAVA,
    hint: `mongod: install MongoDB, or set MONGO_URL, or let a stand-in run: ${install} ${JAVA_HINT}`,
  },
  kafka: {
    variable: "KAFKA_BROKERS",
    // Its controller has the port after this one.
    offset: 3,
    url: kafkaUrl,
    composeUrl: kafkaUrl(9092),
    find: findKafka,
    ...JAVA,
    hint: `kafka: ${install} ${JAVA_HINT}, or set KAFKA_BROKERS`,
  },
  zipkin: {
    variable: "ZIPKIN_URL",
    offset: 5,
    url: zipkinUrl,
    composeUrl: zipkinUrl(9411),
    find: findZipkin,
    ...JAVA,
    hint: `zipkin: ${install} ${JAVA_HINT}, or set ZIPKIN_URL`,
  },
} satisfies Record<string, Recipe>;

export type ServerName = keyof typeof recipes;
/** What a set has. */
export const serverNames: readonly ServerName[] = ["nats", "redis", "mongo", "kafka"];
/** What it has where somebody asked for it: these want memory, and the shop goes without. */
export const optionalServerNames: readonly ServerName[] = ["zipkin"];
export const isServerName = (name: string): name is ServerName => Object.hasOwn(recipes, name);
export const recipeOf = (name: ServerName): Recipe => recipes[name];

/** Looked for once in a process: it may have to download, and a restarted server must find its data again. */
let mongo: Promise<Found | string> | undefined;
