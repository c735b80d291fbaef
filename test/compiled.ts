import { copyFileSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import type { Command } from "../lib/infra/processes";
import { projectRoot } from "../lib/infra/programs";

const CODE = ["{bin,lib,mixins,repl,services,test}/**/*.ts", "moleculer.config.ts"];
/** With the id of the process whose it is. */
const FOLDER = ".test-";

/** Compiles all code into a folder of this run: a process starts from there in less time than from the sources. */
export default function compileAll(): void {
  if (process.env.TEST_BUILD) return;
  const root = projectRoot();
  removeDead(root);
  // Below the root, as `dist` is: the code finds what belongs to it from there.
  const outdir = join(root, `${FOLDER}${process.pid}`);
  const entryPoints = globSync(CODE, { cwd: root });
  buildSync({
    absWorkingDir: root,
    entryPoints,
    outdir,
    outbase: ".",
    format: "cjs",
    target: "node24",
    sourcemap: true,
  });
  copyFileSync(join(root, "package.json"), join(outdir, "package.json"));
  process.env.TEST_BUILD = outdir;
  process.once("exit", () => rmSync(outdir, { recursive: true, force: true }));
}

/** What runs left that were killed. */
function removeDead(root: string): void {
  for (const folder of globSync(`${FOLDER}*`, { cwd: root }))
    try {
      process.kill(Number(folder.slice(FOLDER.length)), 0);
    } catch {
      rmSync(join(root, folder), { recursive: true, force: true });
    }
}

/** How to run a file of the project, such as `bin/start`: what was compiled for this run of the tests, else the sources. */
export function commandOf(file: string): Command {
  const build = process.env.TEST_BUILD;
  if (build) return { command: process.execPath, args: [join(build, `${file}.js`)] };
  return {
    command: process.execPath,
    args: ["--require", require.resolve("tsx/cjs"), join(projectRoot(), `${file}.ts`)],
  };
}
