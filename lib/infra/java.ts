import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { projectRoot, type Ran, run, which } from "./programs";

/** What the servers need that are of one pom. */
const SERVERS = "pom.xml";

/** A file of ours that the Java programs need. */
const javaFile = (file: string) => join(projectRoot(), "deploy/infra", file);

/** Named after the content of what it is made from, so that a change makes it anew and versions never mix. */
function cacheFolder(files: string[]): string {
  const cache = process.env.INFRA_LIB || join(homedir(), ".cache/shop-infra");
  const digest = createHash("sha256");
  for (const file of files) digest.update(readFileSync(javaFile(file)));
  return join(cache, digest.digest("hex").slice(0, 12));
}

/** Of this process: several servers that are looked for at once need the same jars. */
const filling = new Map<string, Promise<string | undefined>>();

/** Lets `fill` fill the folder unless it is there; says what went wrong, or nothing. */
function filled(folder: string, fill: (folder: string) => Promise<string | undefined>): Promise<string | undefined> {
  const running = filling.get(folder) ?? fillOnce(folder, fill).finally(() => filling.delete(folder));
  filling.set(folder, running);
  return running;
}

async function fillOnce(folder: string, fill: (folder: string) => Promise<string | undefined>) {
  if (existsSync(folder)) return undefined;
  // Several test workers may do this at once: each fills a folder of its own, and the first rename wins.
  const own = `${folder}.${process.pid}`;
  mkdirSync(own, { recursive: true });
  const failure = await fill(own);
  if (failure) {
    rmSync(own, { recursive: true, force: true });
    return failure;
  }
  try {
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return undefined;
}

const firstLines = ({ stdout, stderr }: Ran) => (stdout || stderr).trim().split("\n").slice(0, 3).join(" ");

async function copyJars(pom: string, folder: string): Promise<string | undefined> {
  const mvn = which("mvn");
  if (!mvn) return "mvn (Maven) is not on the PATH";
  const args = ["-q", "-B", "-Dstyle.color=never", "-f", javaFile(pom), `-Dlib=${folder}`, "package"];
  const ran = await run(mvn, args, { ms: 300_000 });
  return ran.ok ? undefined : `Maven could not resolve the jars: ${firstLines(ran)}`;
}

interface JavaProgram {
  command: string;
  args: string[];
}

/** How to run what the jars, and these sources of ours, hold: a main class follows. A string says why it can't be. */
export async function javaProgram(memory: string, sources: string[] = []): Promise<JavaProgram | string> {
  const java = which("java");
  if (!java) return "java is not on the PATH";
  const jars = cacheFolder([SERVERS]);
  const failure = await filled(jars, (folder) => copyJars(SERVERS, folder));
  if (failure) return failure;
  const path = [join(jars, "*")];
  if (sources.length > 0) {
    const classes = cacheFolder([SERVERS, ...sources]);
    const failure = await filled(classes, (folder) => compile(java, path, sources, folder));
    if (failure) return failure;
    path.push(classes);
  }
  return { command: java, args: [`-Xmx${memory}`, "-cp", path.join(delimiter)] };
}

/** The same for a jar that runs by itself, of a pom of its own. */
export async function runnableJar(memory: string, pom: string, jar: string): Promise<JavaProgram | string> {
  const java = which("java");
  if (!java) return "java is not on the PATH";
  const jars = cacheFolder([pom]);
  const failure = await filled(jars, (folder) => copyJars(pom, folder));
  return failure ?? { command: java, args: [`-Xmx${memory}`, "-jar", join(jars, jar)] };
}

/** By the module, as there may be a `java` without a `javac` beside it; it takes the class path of the process. */
async function compile(java: string, path: string[], sources: string[], folder: string): Promise<string | undefined> {
  const compiler = ["-cp", path.join(delimiter), "-m", "jdk.compiler/com.sun.tools.javac.Main", "--release", "17"];
  const ran = await run(java, [...compiler, "-d", folder, ...sources.map(javaFile)], { ms: 60_000 });
  return ran.ok ? undefined : `Java could not compile ${sources[0]}: ${firstLines(ran)}`;
}
