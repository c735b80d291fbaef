import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, matchesGlob } from "node:path";

/** Whether the last pattern of .dockerignore that fits a path, or a folder above it, lets it into the image. */
function isSent(path: string, patterns: readonly string[]): boolean {
  const above = path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"));
  const last = patterns.findLast((pattern) => above.some((one) => matchesGlob(one, pattern.replace(/^!/, ""))));
  return last === undefined || last.startsWith("!");
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Copies what the image's `COPY . .` takes; of this project, only what stands beside the top of a pattern is looked at. */
export function copyContext(to: string): void {
  const patterns = readFileSync(".dockerignore", "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("#"));
  const tops = patterns.filter((pattern) => /^![^/]+$/.test(pattern)).map((pattern) => pattern.slice(1));
  for (const top of tops.filter(existsSync))
    for (const file of readdirSync(".", { withFileTypes: true }).some(
      (entry) => entry.name === top && entry.isDirectory(),
    )
      ? filesUnder(top)
      : [top])
      if (isSent(file, patterns)) {
        mkdirSync(dirname(join(to, file)), { recursive: true });
        cpSync(file, join(to, file));
      }
}

/** The packages that `npm ci --omit=dev` would bring, as links. */
export function linkProductionPackages(to: string): void {
  const lock: { packages: Record<string, { dev?: boolean; devOptional?: boolean }> } = JSON.parse(
    readFileSync("package-lock.json", "utf8"),
  );
  for (const [path, { dev, devOptional }] of Object.entries(lock.packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev || devOptional || !existsSync(path)) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    symlinkSync(join(process.cwd(), path), join(to, path));
  }
}
