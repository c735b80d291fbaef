import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parse } from "yaml";
import type { File } from "./config";

const YAML = /\.ya?ml$/;

function readOne(directory: string, path: string, label: string): File {
  const name = `config/${relative(directory, path).replaceAll("\\", "/")}`;
  const stem = basename(path).replace(YAML, "");
  let tree: unknown;
  try {
    tree = parse(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    throw new Error(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
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
