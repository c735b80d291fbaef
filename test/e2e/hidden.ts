import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** All that a node's embedded stores have in their files. */
export function storedIn(dataDir: string): string {
  const files = readdirSync(dataDir, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".db"));
  expect(files.length).toBeGreaterThan(8);
  return files.map((file) => readFileSync(join(dataDir, file), "utf8")).join("\n");
}

/** None of the secrets stands in any of the texts; a failure names both, and shows neither. */
export function expectHidden(texts: Record<string, string>, secrets: Record<string, string>): void {
  const found = Object.entries(texts).flatMap(([where, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) => (text.includes(secret) ? [`${name} in the ${where}`] : [])),
  );
  expect(found).toEqual([]);
}
