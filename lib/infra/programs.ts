import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** The project's folder, from the sources as from `dist` (which has a package.json of its own). */
export function projectRoot(): string {
  return resolve(__dirname, __filename.endsWith(".ts") ? "../.." : "../../..");
}

/** Where the program is, or undefined. Debian keeps servers in `sbin`, which is not on an ordinary account's PATH. */
export function which(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const siblings = folders.filter((folder) => folder.endsWith("/bin")).map((folder) => folder.replace(/bin$/, "sbin"));
  return [...folders, ...siblings].map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export interface Ran {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; never throws. After `ms` it is killed and counts as failed. */
export function run(
  command: string,
  args: readonly string[],
  { ms = 0, env = process.env, cwd }: { ms?: number; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { timeout: ms, killSignal: "SIGKILL", env, cwd, maxBuffer: 1 << 24 } as const;
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ ok: error === null, stdout, stderr: stderr || (error?.message ?? "") }),
    );
  });
}
