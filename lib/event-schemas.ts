import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { JsonSchema } from "./event-compatibility";
import { type EventDefinitions, schemaAddress } from "./events";
import type { TSchema } from "./schema";

const SERVICES = join(__dirname, "..", "services");
const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** Without `additionalProperties: false`: publishers check that nothing more gets out, readers take what comes later. */
function open(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(open);
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([name, value]) => !(name === "additionalProperties" && value === false));
  return Object.fromEntries(kept.map(([name, value]) => [name, open(value)]));
}

/** The schema of a type's data as it is published; its `$id` is the event's `dataschema`, without `origin` relative. */
export function schemaDocument(type: string, schema: object, origin = ""): JsonSchema {
  const { description, ...rest } = open(JSON.parse(JSON.stringify(schema))) as JsonSchema;
  return { $schema: DIALECT, $id: schemaAddress(origin, type), title: type, description, ...rest };
}

export type AnyEvents = EventDefinitions<Record<string, TSchema>>;

const isEvents = (value: unknown): value is AnyEvents =>
  typeof value === "object" && value !== null && "topic" in value && "source" in value && "schemas" in value;

/** What the contexts declare in their `*.events` files. */
export const declaredEvents = (): AnyEvents[] =>
  readdirSync(SERVICES)
    .flatMap((folder) => readdirSync(join(SERVICES, folder)).map((file) => join(SERVICES, folder, file)))
    .filter((file) => /\.events\.(ts|js)$/.test(file))
    .sort()
    .flatMap((file) => Object.values(require(file) as object).filter(isEvents));

/** Every declared type with its schema as it has to be published. */
export const declaredDocuments = (): Map<string, JsonSchema> =>
  new Map(
    declaredEvents().flatMap(({ schemas }) =>
      Object.entries(schemas).map(([type, schema]) => [type, schemaDocument(type, schema)] as const),
    ),
  );

/** What is published in a folder, by type. */
export const publishedDocuments = (directory: string): Map<string, JsonSchema> =>
  new Map(
    readdirSync(directory)
      .filter((file) => file.endsWith(".json"))
      .map((file) => [basename(file, ".json"), JSON.parse(readFileSync(join(directory, file), "utf8")) as JsonSchema]),
  );
