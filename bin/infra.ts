import "dotenv/config";
import {
  composeAnswers,
  composeServers,
  isServerName,
  missing,
  type Servers,
  servers,
  startedServers,
} from "../lib/infra";
import { installPackages } from "../lib/infra/install";

const usage = `npm run infra -- [start | stop | status | env | install | kill | pause | resume] [nats redis mongo kafka zipkin]
  start    start NATS, Redis, MongoDB and Kafka (default): Docker Compose where an engine answers, else programs
  stop     end them, data kept; kill is SIGKILL, pause SIGSTOP, resume SIGCONT
  status   what runs where; env the addresses as environment variables
  install  get what the programs need: Debian packages (as root) and jars (by Maven)
Zipkin is started where it is named, and then belongs to the rest.
A server whose NATS_URL, REDIS_URL, MONGO_URL, KAFKA_BROKERS or ZIPKIN_URL is set is left alone. INFRA_DIR (.infra), INFRA_PORT
(24220, first of ten), INFRA_LIB (~/.cache/shop-infra, jars) and INFRA_ENGINE (programs, compose) say otherwise than the
defaults.`;

async function main([verb = "start", ...names]: string[]): Promise<number> {
  const wanted = names.filter(isServerName);
  if (wanted.length !== names.length) return explain();
  switch (verb) {
    case "start": {
      const set = await setToStart();
      // What a person asked for by name is not held up by what they did not.
      const absent = set.kind === "programs" ? await missing({ names: wanted.length > 0 ? wanted : undefined }) : [];
      if (absent.length > 0) {
        console.error(`Missing:\n${absent.map(({ text }) => `  ${text}`).join("\n")}`);
        console.error("`npm run infra -- install` gets what it can.");
        return 1;
      }
      await set.servers.start(...wanted);
      await report(set.servers);
      return 0;
    }
    case "stop":
    case "kill":
    case "pause":
    case "resume": {
      const set = await startedServers();
      await set[verb](...wanted);
      console.log(await table(set));
      return 0;
    }
    case "status":
      console.log(await table(await startedServers()));
      return 0;
    case "env":
      console.log(await environment(await startedServers()));
      return 0;
    case "install": {
      for (const line of await installPackages(wanted)) console.log(line);
      const absent = await missing({ names: wanted.length > 0 ? wanted : undefined });
      for (const { text } of absent) console.error(`Missing: ${text}`);
      return absent.length > 0 ? 1 : 0;
    }
    default:
      return explain();
  }
}

/** Programs that run already stay; a container beside them would be a second, empty set. */
async function setToStart(): Promise<{ kind: "programs" | "compose"; servers: Servers }> {
  const programs = servers();
  const engine = process.env.INFRA_ENGINE;
  const run = (await programs.status()).some(({ pid }) => pid !== undefined);
  const compose = engine === "compose" || (engine !== "programs" && !run && (await composeAnswers()));
  return compose ? { kind: "compose", servers: composeServers() } : { kind: "programs", servers: programs };
}

async function report(set: Servers) {
  const parts = [await table(set), await environment(set), "They go on running. Stop: npm run infra -- stop"];
  console.log(parts.join("\n\n"));
}

async function environment(set: Servers): Promise<string> {
  const lines = Object.entries(await set.env()).map(([name, value]) => `${name}=${value}`);
  return lines.join("\n");
}

async function table(set: Servers): Promise<string> {
  const rows = (await set.status()).map(({ name, state, kind = "-", url, pid = "", log = "" }) =>
    [name.padEnd(6), state.padEnd(8), kind.padEnd(20), hidePassword(url).padEnd(36), pid, log].join(" ").trimEnd(),
  );
  return rows.join("\n");
}

const hidePassword = (url: string) => url.replace(/:[^:@/]*@/, ":***@");

function explain(): number {
  console.error(usage);
  return 2;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
