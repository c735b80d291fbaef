import { type Static, type TSchema, Type } from "../schema";
import { problemOf } from "./checking";

/** The application that all others share: its declared keys hold for each of them, its values for whoever has no own. */
export const SHARED = "application";

export interface Key<S extends TSchema = TSchema> {
  /** Flat and dotted, unique over all applications: `order.shippingFee`. */
  name: string;
  schema: S;
  default: Static<S>;
  unit?: string;
  description: string;
  /** A change holds from the node's next start on. */
  restart?: true;
  /** Of the node rather than of one of its services: set for all applications alike, where all share. */
  common?: true;
  /** Text that is stored and travels as a cipher, and that nobody is shown. */
  secret?: true;
}

export const key = <S extends TSchema>(name: string, schema: S, options: Omit<Key<S>, "name" | "schema">): Key<S> => ({
  name,
  schema,
  ...options,
});

export interface Declaration<K extends Record<string, Key> = Record<string, Key>> {
  application: string;
  keys: K;
}

/** The current values of a declaration's keys; each read answers what holds at that moment. */
export type Settings<D extends Declaration> = {
  readonly [N in keyof D["keys"]]: Static<D["keys"][N]["schema"]>;
};

/** Declares the keys that a service reads, by the names that its code has for them. */
export function declareConfig<K extends Record<string, Key>>(application: string, keys: K): Declaration<K> {
  for (const declared of Object.values(keys)) {
    const problem = problemOf(declared.schema, declared.default);
    if (problem) throw new Error(`${declared.name}: its default ${problem}`);
    if (declared.secret && declared.default !== "") throw new Error(`${declared.name}: a secret has no default`);
  }
  return { application, keys };
}

/** A key as it travels over discovery, its schema as plain JSON. */
export const KeyView = Type.Object({
  name: Type.String(),
  schema: Type.Unknown(),
  default: Type.Unknown(),
  unit: Type.Optional(Type.String()),
  description: Type.String(),
  restart: Type.Optional(Type.Literal(true)),
  common: Type.Optional(Type.Literal(true)),
  secret: Type.Optional(Type.Literal(true)),
});
export type KeyView = Static<typeof KeyView>;

/** What a service tells others of its configuration, in `metadata.config`. */
export interface ConfigMetadata {
  keys: KeyView[];
  /** Values that the node's environment gives; of a secret only that there is one. */
  environment: Record<string, unknown>;
}
