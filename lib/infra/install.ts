import { spawn } from "node:child_process";
import { which } from "./programs";
import { recipeOf, type ServerName, serverNames } from "./recipes";

/** Debian packages for what is not on the PATH; says what it did, or what to do by hand. */
export async function installPackages(names: readonly ServerName[]): Promise<string[]> {
  const wanted = (names.length > 0 ? names : serverNames).map(recipeOf);
  const lacking = wanted.filter(({ programs }) => programs.some((program) => !which(program)));
  if (lacking.length === 0) return ["The programs are there."];
  const packages = [...new Set(lacking.flatMap((recipe) => recipe.packages))];
  const apt = which("apt-get");
  if (!apt || process.getuid?.() !== 0)
    return ["Not root on Debian, so by hand:", ...lacking.map(({ hint }) => `  ${hint}`)];
  await show(apt, ["update", "-qq"]);
  await show(apt, ["install", "-y", "-qq", "--no-install-recommends", ...packages]);
  return [`Installed ${packages.join(" ")}`];
}

function show(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawn(command, args, { stdio: ["ignore", "inherit", "inherit"], env })
      .once("error", reject)
      .once("close", (code) =>
        code === 0 ? resolve() : reject(new Error(`${command} ${args.join(" ")} ended with ${code}`)),
      );
  });
}
