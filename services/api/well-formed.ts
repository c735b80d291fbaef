import { invalid } from "../../lib/errors";

/** No schema of ours goes so deep. */
const MAX_DEPTH = 50;

/**
 * Where a parsed value has half a character (a lone surrogate, which JSON can spell and UTF-8 cannot): the dotted path;
 * undefined where it has none. What is stored of it would not be what was acknowledged.
 */
function halfCharacterIn(value: unknown, path = "", depth = 0): string | undefined {
  if (typeof value === "string") return value.isWellFormed() ? undefined : path;
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return undefined;
  for (const [key, part] of Object.entries(value)) {
    const found = halfCharacterIn(part, path === "" ? key : `${path}.${key}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Throws 422 VALIDATION, naming the path, for a value with half a character in it. */
export function demandWholeCharacters(value: unknown): void {
  const path = halfCharacterIn(value);
  if (path !== undefined) throw invalid([{ path, message: "has half a character in it" }]);
}
