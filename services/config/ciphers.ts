import { type Ciphers, isCipher, UnreadableCipher } from "../../lib/config/cipher";
import { EnvironmentError } from "../../lib/environment";
import type { Entry, File } from "./config";

function texts(value: unknown, path: string): [path: string, text: string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => texts(part, path === "" ? name : `${path}.${name}`));
}

/** Throws {@link EnvironmentError} where something is set that no key of this node opens; names it, never the value. */
export function demandReadable(ciphers: Ciphers, files: File[], entries: Entry[]): void {
  const all = [
    ...files.flatMap(({ name, tree }) => texts(tree, "").map(([path, text]) => [`${path} in ${name}`, text] as const)),
    ...entries.flatMap(({ application, profile, key, value }) =>
      texts(value, "").map(([, text]) => [`${key} of ${application}/${profile}`, text] as const),
    ),
  ];
  const problems = all.flatMap(([name, text]) => {
    try {
      if (isCipher(text)) ciphers.decrypt(text);
      return [];
    } catch (error) {
      if (!(error instanceof UnreadableCipher)) throw error;
      return [`${name} cannot be read: ${error.message}`];
    }
  });
  if (problems.length > 0) throw new EnvironmentError(problems.join("; "));
}
