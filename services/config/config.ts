import type { KeyView } from "../../lib/config/declaration";
import { SHARED } from "../../lib/config/declaration";

/** Where a change was made: steps over the files, by application and profile, of one label. */
export interface Place {
  label: string;
  application: string;
  profile: string;
}

/** A value that was set over REST; a secret as its cipher. */
export interface Entry extends Place {
  key: string;
  value: unknown;
}

/** What a version did to one key; null for no value, secrets masked. */
export interface Change extends Place {
  key: string;
  from: unknown;
  to: unknown;
}

export interface Source {
  name: string;
  properties: Record<string, unknown>;
}

/** A file of `config/`, as it was read. */
export interface File {
  /** `config/order-prod.yml` */
  name: string;
  label: string;
  /** `order-prod` */
  stem: string;
  tree: Record<string, unknown>;
}

export const DEFAULT_PROFILE = "default";

/** `default` first, each once. */
export const withDefault = (profiles: string[]): string[] => [...new Set([DEFAULT_PROFILE, ...profiles])];

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of a dotted key, whether the file nests it, writes it flat or does both. */
export function valueIn(tree: Record<string, unknown>, parts: string[]): unknown {
  for (let length = parts.length; length > 0; length--) {
    const found = tree[parts.slice(0, length).join(".")];
    if (length === parts.length && found !== undefined && found !== null) return found;
    const deeper = length < parts.length && isTree(found) ? valueIn(found, parts.slice(length)) : undefined;
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

/** The dotted paths of a file that are no declared key, nor a part of one's value. */
export function unknownPaths(tree: Record<string, unknown>, known: ReadonlySet<string>, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    if (known.has(path)) return [];
    return isTree(value) ? unknownPaths(value, known, `${path}.`) : [path];
  });
}

/** Applications and profiles in the order in which later ones win. */
function stepsOf(application: string, profiles: string[]): { application: string; profile: string }[] {
  const applications = application === SHARED ? [SHARED] : [SHARED, application];
  return applications.flatMap((name) => withDefault(profiles).map((profile) => ({ application: name, profile })));
}

interface Wanted {
  label: string;
  application: string;
  profiles: string[];
  keys: KeyView[];
}

/** Files, then changes over REST, lowest first; those without a value of these keys are left out. */
export function setSources({ label, application, profiles, keys }: Wanted, files: File[], entries: Entry[]): Source[] {
  const steps = stepsOf(application, profiles);
  const pick = (read: (key: string) => unknown) => {
    const found = keys.map(({ name }): [string, unknown] => [name, read(name)]);
    return Object.fromEntries(found.filter(([, value]) => value !== undefined));
  };
  const fromFiles = steps.flatMap((step) => {
    const stem = step.profile === DEFAULT_PROFILE ? step.application : `${step.application}-${step.profile}`;
    const file = files.find((one) => one.label === label && one.stem === stem);
    return file ? [{ name: file.name, properties: pick((key) => valueIn(file.tree, key.split("."))) }] : [];
  });
  const fromRest = steps.map((step) => ({
    name: `${step.application}/${step.profile}`,
    properties: pick((key) => entries.find((entry) => isAt(entry, { ...step, label }, key))?.value),
  }));
  return [...fromFiles, ...fromRest].filter(({ properties }) => Object.keys(properties).length > 0);
}

/** What holds, of sources lowest first. */
export const merged = (sources: Source[]): Record<string, unknown> =>
  Object.assign({}, ...sources.map(({ properties }) => properties)) as Record<string, unknown>;

export const isAt = (entry: Entry, place: Place, key: string): boolean =>
  entry.key === key &&
  entry.label === place.label &&
  entry.application === place.application &&
  entry.profile === place.profile;

/** The entries after values were set, and with undefined removed, at one place. */
export function withValues(entries: Entry[], place: Place, values: Map<string, unknown>): Entry[] {
  const kept = entries.filter((entry) => ![...values.keys()].some((key) => isAt(entry, place, key)));
  const set = [...values].filter(([, value]) => value !== undefined).map(([key, value]) => ({ ...place, key, value }));
  return [...kept, ...set];
}

/** What tells two states apart, key by key; `shown` masks. */
export function changesBetween(
  before: Entry[],
  after: Entry[],
  shown: (key: string, value: unknown) => unknown,
): Change[] {
  const idOf = ({ label, application, profile, key }: Entry) => JSON.stringify([label, application, profile, key]);
  const old = new Map(before.map((entry) => [idOf(entry), entry]));
  const fresh = new Map(after.map((entry) => [idOf(entry), entry]));
  return [...new Map([...old, ...fresh]).entries()].flatMap(([id, { value: _, ...place }]) => {
    const [from, to] = [old.get(id)?.value ?? null, fresh.get(id)?.value ?? null];
    if (JSON.stringify(from) === JSON.stringify(to)) return [];
    return [{ ...place, from: shown(place.key, from), to: shown(place.key, to) }];
  });
}
