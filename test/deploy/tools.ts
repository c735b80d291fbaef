import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { projectRoot, type Ran, run, which } from "../../lib/infra/programs";

/** Where `npm run deploy:tools` puts what no package manager has. */
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "shop-deploy");
const FOLDERS = [join(CACHE, "bin"), join(CACHE, "python", "bin")];

/** Each tool by the programs that do its work, the first that is there. */
const TOOLS = {
  compose: [["docker-compose"], ["compose-spec"]],
  kustomize: [
    ["kustomize", "build"],
    ["kubectl", "kustomize"],
  ],
  "kubernetes-validate": [["kubernetes-validate"]],
  hadolint: [["hadolint"]],
  promtool: [["promtool"]],
  nginx: [["nginx"]],
} as const;

export type Tool = keyof typeof TOOLS;

const locate = (program: string): string | undefined =>
  FOLDERS.map((folder) => join(folder, program)).find(existsSync) ?? which(program);

/** The command of a tool and its first arguments; undefined where it is absent. */
export function commandOf(tool: Tool): string[] | undefined {
  for (const [program, ...args] of TOOLS[tool]) {
    const found = locate(program);
    if (found) return [found, ...args];
  }
  return undefined;
}

/** Runs a tool in the project's folder. */
export function use(tool: Tool, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const [program, ...first] = commandOf(tool) ?? [];
  if (!program) throw new Error(`${tool} is absent`);
  return run(program, [...first, ...args], { cwd: projectRoot(), env: { ...process.env, ...env }, ms: 60_000 });
}

/** Tests that need real tools; skipped, by name, where one is absent. */
export function withTools(tools: Tool[], title: string, tests: () => void): void {
  const lacking = tools.filter((tool) => !commandOf(tool));
  if (lacking.length > 0) describe.skip(`${title} (needs ${lacking.join(", ")}: npm run deploy:tools)`, tests);
  else describe(title, tests);
}
