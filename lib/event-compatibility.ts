import { isDeepStrictEqual } from "node:util";

/** A JSON Schema as it is written in a file. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** What readers may be told anew at any time: it decides nothing about data. */
const ANNOTATIONS = new Set(["$comment", "$id", "$schema", "deprecated", "description", "examples", "title"]);
/** Lists whose order means nothing; a single `type` counts as a list of one. */
const SETS = new Set(["enum", "type"]);
const ALTERNATIVES = ["allOf", "anyOf", "oneOf"];
const LOOKED_INTO = new Set(["items", "properties", "required", ...ALTERNATIVES]);

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const asSet = (value: unknown): string[] => [value ?? []].flat().map((item) => JSON.stringify(item));
const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));

const sameSet = (a: unknown, b: unknown): boolean => isDeepStrictEqual(asSet(a).sort(), asSet(b).sort());

const propertiesOf = ({ properties }: JsonSchema): JsonSchema => (isSchema(properties) ? properties : {});
const requiredBy = ({ required }: JsonSchema): string[] => (Array.isArray(required) ? required.map(String) : []);

function inProperty(name: string, before: JsonSchema, after: JsonSchema, path: string): string[] {
  const where = path ? `${path}.${name}` : name;
  const [old, now] = [propertiesOf(before)[name], propertiesOf(after)[name]];
  if (old !== undefined && now === undefined) return [`${where} was taken away`];
  const [was, is] = [requiredBy(before).includes(name), requiredBy(after).includes(name)];
  return [
    ...(is && !was ? [`${where} is required now, older events may lack it`] : []),
    ...(was && !is ? [`${where} is required no more, readers count on it`] : []),
    ...(old === undefined && before.additionalProperties === false
      ? [`${where} is new where readers were told of no other property`]
      : []),
    ...(old === undefined ? [] : inSchema(old, now, where)),
  ];
}

function inProperties(before: JsonSchema, after: JsonSchema, path: string): string[] {
  const names = [before, after].flatMap((schema) => [...Object.keys(propertiesOf(schema)), ...requiredBy(schema)]);
  return [...new Set(names)].flatMap((name) => inProperty(name, before, after, path));
}

function inAlternatives(keyword: string, before: unknown, after: unknown, path: string): string[] {
  const [old, now] = [before, after].map((value) => (Array.isArray(value) ? (value as unknown[]) : []));
  if (old?.length !== now?.length)
    return [`${path || "data"}: ${keyword} had ${old?.length} choices and has ${now?.length}`];
  return (old ?? []).flatMap((schema, index) => inSchema(schema, now?.[index], path));
}

function inSchema(before: unknown, after: unknown, path: string): string[] {
  if (!isSchema(before) || !isSchema(after))
    return isDeepStrictEqual(before, after) ? [] : [`${path || "data"} was ${shown(before)} and is ${shown(after)}`];
  const keywords = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = keywords
    .filter((keyword) => !ANNOTATIONS.has(keyword) && !LOOKED_INTO.has(keyword))
    .filter((keyword) => {
      const [old, now] = [before[keyword], after[keyword]];
      return SETS.has(keyword) ? !sameSet(old, now) : !isDeepStrictEqual(old, now);
    })
    .map((keyword) => `${path || "data"}: ${keyword} was ${shown(before[keyword])} and is ${shown(after[keyword])}`);
  return [
    ...changed,
    ...inProperties(before, after, path),
    ...("items" in before || "items" in after ? inSchema(before.items, after.items, `${path}[]`) : []),
    ...ALTERNATIVES.flatMap((keyword) => inAlternatives(keyword, before[keyword], after[keyword], path)),
  ];
}

/**
 * What parts a published schema from the one that shall take its place, so that a reader of the first could not read what
 * is written by the second, or a reader of the second what still stands in a topic. Empty where both can: only optional
 * properties were added, at whatever depth, or texts for people changed.
 */
export const incompatibilities = (published: JsonSchema, next: JsonSchema): string[] => inSchema(published, next, "");

/** {@link incompatibilities} of all types, each finding beginning with its type; one that is gone is a finding, too. */
export const incompatibleTypes = (
  published: ReadonlyMap<string, JsonSchema>,
  next: ReadonlyMap<string, JsonSchema>,
): string[] =>
  [...published].flatMap(([type, schema]) => {
    const now = next.get(type);
    if (!now) return [`${type} was taken away`];
    return incompatibilities(schema, now).map((finding) => `${type}: ${finding}`);
  });
