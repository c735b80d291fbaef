import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { projectRoot, run, which } from "./programs";

/** A file of ours that the Java programs need. */
export const javaFile = (file: string) => join(projectRoot(), "deploy/infra", file);

const SERVERS = "pom.xml";

/** Jars live in a folder named after the pom's content, so that a changed pom resolves anew and versions never mix. */
export function jarFolder(pom = SERVERS): string {
  const cache = process.env.INFRA_LIB || join(homedir(), ".cache/shop-infra");
  const digest = createHash("sha256")
    .update(readFileSync(javaFile(pom)))
    .digest("hex");
  return join(cache, digest.slice(0, 12));
}

/** Of this process: several servers that are looked for at once need the same jars. */
const installing = new Map<string, Promise<string | undefined>>();

/** Lets Maven copy the jars unless they are there; says what went wrong, or nothing. */
function installJars(pom: string): Promise<string | undefined> {
  const running = installing.get(pom) ?? copyJars(pom).finally(() => installing.delete(pom));
  installing.set(pom, running);
  return running;
}

async function copyJars(pom: string): Promise<string | undefined> {
  const folder = jarFolder(pom);
  if (existsSync(folder)) return undefined;
  const mvn = which("mvn");
  if (!mvn) return "mvn (Maven) is not on the PATH";
  // Several test workers may do this at once: each fills a folder of its own, and the first rename wins.
  const own = `${folder}.${process.pid}`;
  mkdirSync(own, { recursive: true });
  const args = ["-q", "-B", "-Dstyle.color=never", "-f", javaFile(pom), `-Dlib=${own}`, "package"];
  const ran = await run(mvn, args, { ms: 300_000 });
  if (!ran.ok) {
    rmSync(own, { recursive: true, force: true });
    return `Maven could not resolve the jars: ${(ran.stdout || ran.stderr).trim().split("\n").slice(0, 3).join(" ")}`;
  }
  try {
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return undefined;
}

interface JavaProgram {
  command: string;
  args: string[];
}

/** How to run what the jars hold: a main class, or one of our sources, follows. A string says why it can't be. */
export const javaProgram = (memory: string): Promise<JavaProgram | string> =>
  program(SERVERS, (folder) => [`-Xmx${memory}`, "-cp", join(folder, "*")]);

/** The same for a jar that runs by itself, of a pom of its own. */
export const runnableJar = (memory: string, pom: string, jar: string): Promise<JavaProgram | string> =>
  program(pom, (folder) => [`-Xmx${memory}`, "-jar", join(folder, jar)]);

async function program(pom: string, args: (folder: string) => string[]): Promise<JavaProgram | string> {
  const java = which("java");
  if (!java) return "java is not on the PATH";
  const failure = await installJars(pom);
  return failure ?? { command: java, args: args(jarFolder(pom)) };
}
