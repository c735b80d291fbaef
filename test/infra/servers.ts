import { newId } from "../../lib/ids";
import type { ServerName } from "../../lib/infra";
import type { TestServers } from "./setup";

/** The servers of this run, with a database and a namespace of the test file's own. */
export function serverEnvironment(): Record<string, string> {
  const { env } = JSON.parse(process.env.TEST_SERVERS ?? "{}") as TestServers;
  const mongo = new URL(env.MONGO_URL ?? "mongodb://absent");
  const own = `test-${newId().slice(-12)}`;
  mongo.pathname = `/${own}`;
  return { ...env, MONGO_URL: mongo.toString(), NAMESPACE: own };
}

export function serverKind(name: ServerName): string | undefined {
  const { kinds } = JSON.parse(process.env.TEST_SERVERS ?? '{"kinds":{}}') as TestServers;
  return kinds[name];
}

/** Tests that need real servers; skipped, by name, where one cannot be had. */
export function withServers(names: ServerName[], title: string, tests: (env: Record<string, string>) => void): void {
  const { absent } = JSON.parse(process.env.TEST_SERVERS ?? '{"absent":[]}') as TestServers;
  const lacking = absent.filter(({ name }) => names.includes(name)).map(({ name }) => name);
  if (lacking.length > 0) describe.skip(`${title} (needs ${lacking.join(", ")})`, () => tests({}));
  else describe(title, () => tests(serverEnvironment()));
}
