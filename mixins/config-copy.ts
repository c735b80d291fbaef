import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Value } from "@sinclair/typebox/value";
import { NodeValues } from "../lib/config/node-config";
import type { Environment } from "../lib/environment";

/**
 * Where a node keeps what `config` said last, to start from without it; ciphers as they came. Nodes that host other services
 * in the same folder have other values, and so a file of their own.
 */
export const copyPath = ({ dataDir, services }: Pick<Environment, "dataDir" | "services">): string =>
  join(dataDir, services.length > 0 ? `config-${services.join("-")}.json` : "config.json");

interface Copy extends NodeValues {
  label: string;
  profiles: string[];
}

const fits = ({ label, profiles }: Copy, environment: Environment) =>
  label === environment.config.label && JSON.stringify(profiles) === JSON.stringify(environment.config.profiles);

/** Undefined where there is none for this label and these profiles. Throws where the file is no such copy. */
export async function readCopy(environment: Environment): Promise<NodeValues | undefined> {
  const text = await readFile(copyPath(environment), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const copy = JSON.parse(text) as Copy;
  if (!Value.Check(NodeValues, copy)) throw new Error("it is no copy of a configuration");
  const { version, etag, values } = copy;
  return fits(copy, environment) ? { version, etag, values } : undefined;
}

/** Whole or not at all, and on disk when it resolves. */
export async function writeCopy(environment: Environment, values: NodeValues): Promise<void> {
  const { label, profiles } = environment.config;
  const path = copyPath(environment);
  // By chance: every container's process is the first one.
  const unfinished = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(unfinished, "wx", 0o600);
  try {
    try {
      await file.writeFile(JSON.stringify({ label, profiles, ...values } satisfies Copy));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
