import { createHash } from "node:crypto";
import { problemOf } from "../../lib/config/checking";
import { isCipher, MASK } from "../../lib/config/cipher";
import { type KeyView, SHARED } from "../../lib/config/declaration";
import type { Static } from "../../lib/schema";
import type { Catalogue } from "./catalogue";
import { type File, merged, type Source, setSources, unknownPaths } from "./config";
import type { Answered, ConfigView, PropertiesParams } from "./config.schema";
import type { ConfigStore, Version } from "./config.store";

interface Parts {
  store: ConfigStore;
  catalogue: Catalogue;
  files: File[];
  warn: (text: string) => void;
}

interface Asked {
  application: string;
  profiles: string[];
  label: string;
}

const shown = (keys: KeyView[], properties: Source["properties"]) => {
  const secrets = new Set(keys.filter(({ secret }) => secret).map(({ name }) => name));
  const mask = (key: string, value: unknown) => (isCipher(value) || (secrets.has(key) && value !== "") ? MASK : value);
  return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, mask(key, value)]));
};

export function reading({ store, catalogue, files, warn }: Parts) {
  const warned = new Set<string>();
  const warnOnce = (text: string) => {
    if (!warned.has(text)) warn(text);
    warned.add(text);
  };

  const problemIn = ({ secret, schema }: KeyView, value: unknown) => {
    if (secret) return isCipher(value) ? undefined : "is a secret and has to be a {cipher}";
    return problemOf(schema as object, value);
  };

  /** A value in a file that does not fit counts as none: the sources below it hold. */
  function fitting({ name: file, properties }: Source, keys: KeyView[]): Source {
    const kept = Object.entries(properties).filter(([name, value]) => {
      const key = keys.find((one) => one.name === name);
      const problem = key && problemIn(key, value);
      if (problem) warnOnce(`${file}: ${name} ${problem}; it is left out`);
      return !problem;
    });
    return { name: file, properties: Object.fromEntries(kept) };
  }

  const sources = (asked: Asked, keys: KeyView[], { entries }: Version): Source[] =>
    setSources({ ...asked, keys }, files, entries).map((source) => fitting(source, keys));

  return {
    /** As an admin sees it: from the defaults on, secrets masked. */
    async view(asked: Asked, version?: Version): Promise<ConfigView> {
      const keys = catalogue.keysOf(asked.application);
      const current = version ?? (await store.latest());
      const environment = catalogue.environmentOf(asked.application);
      const known = keys.filter(({ name }) => environment[name] !== undefined);
      const all: Source[] = [
        { name: "default", properties: Object.fromEntries(keys.map((key) => [key.name, key.default])) },
        { name: "environment", properties: Object.fromEntries(known.map(({ name }) => [name, environment[name]])) },
        ...sources(asked, keys, current),
      ].filter(({ properties }) => Object.keys(properties).length > 0);
      return {
        application: asked.application,
        profile: asked.profiles.join(","),
        label: asked.label,
        version: current.version,
        properties: shown(keys, merged(all)),
        sources: all.map(({ name, properties }) => ({ name, properties: shown(keys, properties) })),
        keys,
      };
    },

    /** What is set for a node's applications, ciphers as they are. */
    async properties({ wanted, secrets, profiles, label, etag }: Static<typeof PropertiesParams>) {
      const current = await store.latest();
      const known = new Map(catalogue.keysOf(SHARED).map((key) => [key.name, key]));
      const keyOf = (name: string): KeyView => ({
        ...(known.get(name) ?? { name, schema: {}, default: null, description: "" }),
        ...(secrets.includes(name) && { secret: true }),
      });
      const values = Object.fromEntries(
        Object.entries(wanted).map(([application, names]) => {
          return [application, merged(sources({ application, profiles, label }, names.map(keyOf), current))];
        }),
      );
      const hash = createHash("sha256").update(JSON.stringify(values)).digest("base64url");
      const answer: Static<typeof Answered> = { version: current.version, etag: hash };
      return hash === etag ? answer : { ...answer, values };
    },

    /** Says once of each name in the files that nobody declares it. */
    warnOfUnknown(): void {
      const known = new Set(catalogue.keysOf(SHARED).map(({ name }) => name));
      for (const { name: file, tree } of files)
        for (const path of unknownPaths(tree, known)) warnOnce(`${file}: no service has declared ${path}`);
    },
  };
}
