import { problemOf } from "../../lib/config/checking";
import { type Ciphers, isCipher, MASK, problemOfSecret, UnreadableCipher } from "../../lib/config/cipher";
import { type KeyView, SHARED } from "../../lib/config/declaration";
import { crashPoint } from "../../lib/crash";
import { type FieldError, invalid, notFound, ShopError, unavailable } from "../../lib/errors";
import { now } from "../../lib/time";
import type { Catalogue } from "./catalogue";
import { type Change, changesBetween, type Entry, isAt, type Place, withValues } from "./config";
import type { ConfigStore, Version } from "./config.store";

/** Others may write at the same time; each try is one that somebody else has won. */
const ATTEMPTS = 100;

interface Parts {
  store: ConfigStore;
  catalogue: Catalogue;
  ciphers: Ciphers;
  /** There is a new version. */
  changed: (version: number) => void;
}

/** A value that cannot be set. */
class Refused extends Error {}

export function changing({ store, catalogue, ciphers, changed }: Parts) {
  const isSecret = (key: string) => catalogue.keysOf(SHARED).some(({ name, secret }) => name === key && secret);
  const masked = (key: string, value: unknown) => (value !== null && (isCipher(value) || isSecret(key)) ? MASK : value);

  function opened(cipher: string): string {
    try {
      return ciphers.decrypt(cipher);
    } catch (error) {
      throw error instanceof UnreadableCipher
        ? new Refused(`is a cipher that cannot be read: ${error.message}`)
        : error;
    }
  }

  function demandFit({ schema }: KeyView, value: unknown): void {
    const problem = problemOf(schema as object, value);
    if (problem) throw new Refused(problem);
  }

  function demandSecret(text: unknown): void {
    const problem = problemOfSecret(text);
    if (problem) throw new Refused(`${problem}; null takes a value away`);
  }

  /** What is stored for a secret; the cipher that is there where it says the same under the key of today. */
  function sealed(key: KeyView, value: unknown, before: unknown): unknown {
    const plain = isCipher(value) ? opened(value) : value;
    demandSecret(plain);
    demandFit(key, plain);
    if (isCipher(value)) return value;
    const text = String(plain);
    if (isCipher(before) && ciphers.isCurrent(before) && ciphers.decrypt(before) === text) return before;
    const cipher = ciphers.encrypt(text);
    if (cipher === undefined) throw noKey();
    return cipher;
  }

  function accepted(key: KeyView | undefined, value: unknown, before: unknown): unknown {
    if (!key) throw new Refused("is not a known key of this application");
    if (value === null) return undefined;
    if (key.secret) return sealed(key, value, before);
    if (isCipher(value)) throw new Refused("is no secret and takes no cipher");
    demandFit(key, value);
    return value;
  }

  /** Throws 422 VALIDATION, which names every key that cannot be set. */
  function checked(place: Place, properties: Record<string, unknown>, entries: Entry[]): Map<string, unknown> {
    const keys = new Map(catalogue.keysOf(place.application).map((key) => [key.name, key]));
    const errors: FieldError[] = [];
    const values = new Map<string, unknown>();
    for (const [name, value] of Object.entries(properties)) {
      const before = entries.find((entry) => isAt(entry, place, name))?.value;
      try {
        const key = keys.get(name);
        if (key?.common && value !== null && place.application !== SHARED)
          throw new Refused(`holds for all applications alike: set it for ${SHARED}`);
        values.set(name, accepted(key, value, before));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        errors.push({ path: `properties.${name}`, message: error.message });
      }
    }
    if (errors.length > 0) throw invalid(errors);
    return values;
  }

  /** Of entries of another time: those that are known must still fit. Throws 422 VALIDATION. */
  function demandAcceptable(entries: Entry[]): void {
    const keys = new Map(catalogue.keysOf(SHARED).map((key) => [key.name, key]));
    const errors = entries.flatMap(({ key: name, value }): FieldError[] => {
      const key = keys.get(name);
      if (!key) return [];
      try {
        accepted(key, value, undefined);
        return [];
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return [{ path: name, message: error.message }];
      }
    });
    if (errors.length > 0) throw invalid(errors);
  }

  /** Writes what `plan` makes of the newest version, and plans anew where another writer was first. */
  async function write(
    plan: (current: Version) => Promise<Omit<Version, "_id" | "version" | "at"> | undefined>,
  ): Promise<Version> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const current = await store.latest();
      const next = await plan(current);
      if (!next) return current;
      crashPoint("config.change.checked");
      const written = await store.append(current, { at: now(), ...next });
      if (!written) continue;
      crashPoint("config.version.stored");
      changed(written.version);
      return written;
    }
    throw unavailable("CONFIG_BUSY", "Others change the configuration all the time. Try again.", 1);
  }

  return {
    masked,

    /** Throws 422 VALIDATION where the text is no secret, 503 NO_CONFIG_KEY. */
    encrypt(value: string): string {
      const problem = problemOfSecret(value);
      if (problem) throw invalid([{ path: "value", message: problem }]);
      const cipher = ciphers.encrypt(value);
      if (cipher === undefined) throw noKey();
      return cipher;
    },

    /** The version that holds afterwards; the one before where nothing differs. */
    put: (place: Place, properties: Record<string, unknown>, by: string): Promise<Version> =>
      write(async ({ entries }) => {
        const after = withValues(entries, place, checked(place, properties, entries));
        const changes = changesBetween(entries, after, masked);
        return changes.length > 0 ? { by, ...place, changes, entries: after } : undefined;
      }),

    /** What held at a version, as a new one. Throws 404 VERSION_NOT_FOUND. */
    rollback: (to: number, by: string): Promise<Version> =>
      write(async ({ entries }) => {
        const target = await store.at(to);
        if (!target) throw notFound("VERSION_NOT_FOUND", "There is no such version.");
        demandAcceptable(target.entries);
        const changes = changesBetween(entries, target.entries, masked);
        return { by, ...placeOf(changes), rollbackTo: to, changes, entries: target.entries };
      }),
  };
}

export type Changing = ReturnType<typeof changing>;

const noKey = () => new ShopError(503, "NO_CONFIG_KEY", "CONFIG_KEYS has no key to encrypt with.");

/** Where all changes were made; `*` for several. */
function placeOf(changes: Change[]): Place {
  const one = (field: keyof Place) => {
    const names = new Set(changes.map((change) => change[field]));
    return names.size === 1 ? ([...names][0] ?? "*") : "*";
  };
  return { label: one("label"), application: one("application"), profile: one("profile") };
}
