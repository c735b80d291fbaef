import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isServerName, missing, optionalServerNames, type ServerName, serverNames, servers } from "../../lib/infra";
import { freeRange } from "../../lib/infra/ports";
import compileAll from "../compiled";

/** What {@link withServers} finds in the workers' environment. */
export interface TestServers {
  dir: string;
  basePort: number;
  /** Addresses, as the project's environment variables. */
  env: Record<string, string>;
  /** What each is: a `mongod`, or what stands in for it. */
  kinds: Partial<Record<ServerName, string>>;
  absent: { name: ServerName; text: string }[];
}

/** Starts what can be had of NATS, Redis, MongoDB and Kafka, in a folder of the run; tests that need Zipkin start it themselves. */
export default async function setup(): Promise<void> {
  compileAll();
  const absent = await missing({ names: [...serverNames, ...optionalServerNames] });
  if (absent.length > 0 && process.env.CI)
    throw new Error(`In CI nothing may be skipped:\n${absent.map(({ text }) => text).join("\n")}`);
  const dir = mkdtempSync(join(tmpdir(), "shop-infra-"));
  const basePort = await freeRange(10);
  const set = servers({ dir, basePort });
  const names = set.names.filter((name) => isServerName(name) && !absent.some((one) => one.name === name));
  await set.start(...names);
  const kinds = Object.fromEntries((await set.status()).map(({ name, kind }) => [name, kind]));
  const found: TestServers = { dir, basePort, env: await set.env(), kinds, absent };
  process.env.TEST_SERVERS = JSON.stringify(found);
}
