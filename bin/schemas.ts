import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { incompatibleTypes } from "../lib/event-compatibility";
import { declaredDocuments, publishedDocuments } from "../lib/event-schemas";

const DIRECTORY = join(process.cwd(), "docs", "events");

/** Lists of words in one line where there is room, as the project's formatter has it. */
const written = (schema: object): string =>
  `${JSON.stringify(schema, null, 2)}\n`.replace(/^(.*)\[\n([^[\]{}]*)\n *\](,?)$/gm, (lines, start, words, end) => {
    const line = `${start}[${words.trim().replace(/\n */g, " ")}]${end}`;
    return line.length <= 120 ? line : lines;
  });

/** Publishes the JSON Schema of every event that the code declares, unless that would break whoever reads them. */
function publish(): number {
  mkdirSync(DIRECTORY, { recursive: true });
  const published = publishedDocuments(DIRECTORY);
  const declared = declaredDocuments();
  const findings = incompatibleTypes(published, declared);
  if (findings.length > 0) {
    console.error(
      "Nothing is written: these changes break readers of what is published. Make a new type of it instead.",
    );
    console.error(findings.map((finding) => `  ${finding}`).join("\n"));
    return 1;
  }
  const changed = [...declared].filter(([type, schema]) => !isDeepStrictEqual(published.get(type), schema));
  for (const [type, schema] of changed) {
    writeFileSync(join(DIRECTORY, `${type}.json`), written(schema));
    console.log(`docs/events/${type}.json ${published.has(type) ? "changed" : "is new"}`);
  }
  if (changed.length === 0) console.log("docs/events is up to date.");
  return 0;
}

process.exitCode = publish();
