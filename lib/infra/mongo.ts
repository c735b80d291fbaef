import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { javaProgram } from "./java";
import { answers } from "./ports";
import { projectRoot, run, which } from "./programs";
import type { Found } from "./recipes";

/** The stand-in for machines without a mongod; the first file has the main class. */
const SOURCES = ["Mongo.java", "IndexedCollection.java", "Candidates.java", "FieldIndex.java", "Strings.java"];

/** Milliseconds that fetching a mongod may take, before the stand-in is used. */
const DOWNLOAD_MS = 180_000;

/** A mongod on the PATH, else one that mongodb-memory-server has or can download, else the Java stand-in; a string says why none. */
export async function findMongo(): Promise<Found | string> {
  const onPath = which("mongod");
  if (onPath) return mongod("mongod", onPath);
  const downloaded = await downloadedMongod();
  if (downloaded) return mongod("mongod (downloaded)", downloaded);
  const java = await javaProgram("1g", SOURCES);
  if (typeof java === "string") return java;
  return {
    kind: "mongo-java-server",
    command: java.command,
    args: (dir, port) => [...java.args, "Mongo", String(port), join(dir, "data.h2")],
  };
}

/** Standalone: no code of ours needs a replica set, and a set would pin the port in the data. */
function mongod(kind: string, command: string): Found {
  return {
    kind,
    command,
    args: (dir, port) => {
      const data = join(dir, "mongod");
      mkdirSync(data, { recursive: true });
      return ["--dbpath", data, "--bind_ip", "127.0.0.1", "--port", String(port), "--quiet"];
    },
  };
}

async function downloadedMongod(): Promise<string | undefined> {
  const kept = await mongodPath({ MONGOMS_RUNTIME_DOWNLOAD: "false" }, 20_000);
  if (kept) return kept;
  return (await canDownload()) ? mongodPath({}, DOWNLOAD_MS) : undefined;
}

/** Asked in a process of its own: a download that hangs can be ended there, and the library may be absent. */
async function mongodPath(env: Record<string, string>, ms: number): Promise<string | undefined> {
  const script =
    'require("mongodb-memory-server-core/lib/util/MongoBinary").MongoBinary.getPath().then((path) => console.log("\\n" + path))';
  const found = await run(process.execPath, ["-e", script], {
    ms,
    cwd: projectRoot(),
    env: { ...process.env, ...env },
  });
  const path = found.ok ? found.stdout.trim().split("\n").at(-1) : undefined;
  // A build for another system or without a library it needs is of no use, and its failure to start would hide the stand-in.
  return path && (await run(path, ["--version"], { ms: 10_000 })).ok ? path : undefined;
}

/** Without a network the download would retry for long; behind a proxy only trying tells. */
async function canDownload(): Promise<boolean> {
  const { MONGOMS_RUNTIME_DOWNLOAD, MONGOMS_DOWNLOAD_MIRROR, HTTPS_PROXY, https_proxy } = process.env;
  if (MONGOMS_RUNTIME_DOWNLOAD === "false") return false;
  if (HTTPS_PROXY || https_proxy) return true;
  const mirror = new URL(MONGOMS_DOWNLOAD_MIRROR || "https://fastdl.mongodb.org");
  const port = Number(mirror.port) || (mirror.protocol === "http:" ? 80 : 443);
  return answers(port, { host: mirror.hostname, ms: 3000 });
}
