import { KeyView } from "../../lib/config/declaration";
import { NodeValues } from "../../lib/config/node-config";
import { PageOf, pageParams, type Static, Strict, Timestamp, Type } from "../../lib/schema";

const NAME = "[a-z0-9][a-z0-9-]{0,63}";
const Name = Type.String({ pattern: `^${NAME}$` });
const Label = Type.Optional(Type.String({ pattern: `^${NAME}$`, description: "default: the node's, `main`" }));
const Properties = Type.Record(Type.String(), Type.Unknown(), { description: 'by flat key; secrets as `"******"`' });

export const GetParams = Strict({
  application: Name,
  profile: Type.String({
    pattern: `^${NAME}(,${NAME}){0,9}$`,
    description: "`default`, which holds always, or others with commas between them, of which a later one wins",
  }),
  label: Label,
});

export const PutParams = Strict({
  application: Name,
  profile: Name,
  label: Label,
  properties: Type.Record(Type.String({ minLength: 1, maxLength: 200 }), Type.Unknown(), {
    minProperties: 1,
    maxProperties: 200,
    description: "merged; `null` takes a value away. A secret may be given plain or as a `{cipher}`",
  }),
});

export const ConfigView = Type.Object({
  application: Type.String(),
  profile: Type.String(),
  label: Type.String(),
  version: Type.Integer({ description: "of all applications together; 0 before the first change" }),
  properties: Properties,
  sources: Type.Array(Type.Object({ name: Type.String(), properties: Properties }), {
    description: "lowest first: a later one wins",
  }),
  keys: Type.Array(KeyView, { description: "what is declared, with type, default and unit" }),
});
export type ConfigView = Static<typeof ConfigView>;

export const HistoryParams = Strict({ ...pageParams });

export const VersionView = Type.Object({
  version: Type.Integer(),
  at: Timestamp,
  by: Type.String({ description: "the user's id" }),
  label: Type.String(),
  application: Type.String({ description: "`*` where a rollback changed several" }),
  profile: Type.String({ description: "`*` where a rollback changed several" }),
  rollbackTo: Type.Optional(Type.Integer({ description: "the version that this one brought back" })),
  changes: Type.Array(
    Type.Object({
      key: Type.String(),
      from: Type.Unknown({ description: "null for none" }),
      to: Type.Unknown({ description: "null for none" }),
      label: Type.String(),
      application: Type.String(),
      profile: Type.String(),
    }),
  ),
});
export type VersionView = Static<typeof VersionView>;

export const History = PageOf(VersionView);

export const RollbackParams = Strict({ version: Type.Integer({ minimum: 0, maximum: 9_999_999_999 }) });

export const EncryptParams = Strict({ value: Type.String({ minLength: 1, maxLength: 4096 }) });
export const Encrypted = Type.Object({ cipher: Type.String() });

export const PropertiesParams = Strict({
  /** Names of keys by application: a node asks before discovery knows what it declares. */
  wanted: Type.Record(Type.String({ maxLength: 64 }), Type.Array(Type.String({ maxLength: 200 }), { maxItems: 1000 })),
  /** Those of the names that are secret, of which only ciphers are answered. */
  secrets: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 1000 }),
  profiles: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 20 }),
  label: Type.String(),
  etag: Type.String(),
});

/** Without values where they are those of the `etag` that was sent. */
export const Answered = Type.Object({ ...NodeValues.properties, values: Type.Optional(NodeValues.properties.values) });
