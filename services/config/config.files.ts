import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import type { File } from "./config";

const YAML = /\.ya?ml$/;

/** The library's messages quote what they are about, which may be a secret: what and where is told without it. */
function parsed(text: string, name: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new Error(`${name} cannot be read: ${error.code} in line ${line}, column ${col}`);
  }
  try {
    return document.toJS() ?? {};
  } catch {
    throw new Error(`${name} cannot be read: an alias without an anchor, or too many of them`);
  }
}

function readOne(directory: string, path: string, label: string): File {
  const name = `config/${relative(directory, path).replaceAll("\\", "/")}`;
  const stem = basename(path).replace(YAML, "");
  const tree = parsed(readFileSync(path, "utf8"), name);
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) throw new Error(`${name} is not a map of keys`);
  return { name, label, stem, tree: tree as File["tree"] };
}

/** The YAML files of a folder: those of label `main` in it, those of others in folders by their names. */
export function readFiles(directory: string): File[] {
  const list = (folder: string) => {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  };
  const filesOf = (folder: string, label: string) =>
    list(folder)
      .filter((entry) => entry.isFile() && YAML.test(entry.name))
      .map((entry) => readOne(directory, join(folder, entry.name), label));
  const labels = list(directory).filter((entry) => entry.isDirectory());
  return [...filesOf(directory, "main"), ...labels.flatMap(({ name }) => filesOf(join(directory, name), name))];
}
