import { rmSync } from "node:fs";
import { servers } from "../../lib/infra";
import type { TestServers } from "./setup";

export default async function teardown(): Promise<void> {
  const { dir, basePort, absent } = JSON.parse(process.env.TEST_SERVERS ?? "{}") as TestServers;
  if (!dir) return;
  await servers({ dir, basePort }).stop();
  rmSync(dir, { recursive: true, force: true });
  for (const { name, text } of absent) process.stdout.write(`Skipped what needs ${name}: ${text}\n`);
}
