import { type Static, type TSchema, Type } from "@sinclair/typebox";

export { type Static, type TSchema, Type };

/** An object that takes the named fields and no other. */
export const Strict = <P extends Record<string, TSchema>>(properties: P, options: { description?: string } = {}) =>
  Type.Object(properties, { additionalProperties: false, ...options });

export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: "^[A-Za-z0-9_-]+$", description: "opaque id" });
/** Control characters, line separators and marks that reorder text. Written for any dialect. */
const HIDDEN = "\\u0000-\\u001F\\u007F-\\u009F\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069";

/** Runs of characters that {@link ShownText} does not take. */
export const HIDDEN_CHARACTERS = new RegExp(`[${HIDDEN}]+`, "g");

/** Text of one line with at least one character that is no space. */
export const ShownText = (maxLength: number, description?: string) =>
  Type.String({ maxLength, pattern: `^(?=\\s*\\S)[^${HIDDEN}]+$`, ...(description && { description }) });

export const Timestamp = Type.String({ format: "date-time", description: "RFC 3339, UTC" });
export const MoneySchema = Type.Object(
  {
    amount: Type.Integer({ minimum: 0, maximum: 1_000_000_000_000, description: "in the currency's minor unit" }),
    currency: Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217" }),
  },
  { additionalProperties: false },
);
export const Nothing = Type.Null();

/** Query of a list: `limit` (1 to 100, default 20) and the `cursor` that the page before it gave. */
export const pageParams = {
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
};

export const PageOf = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), nextCursor: Type.Union([Type.String(), Type.Null()]) });
export const ItemsOf = <T extends TSchema>(item: T) => Type.Object({ items: Type.Array(item) });
export const OneOf = <T extends string>(...values: T[]) => Type.Unsafe<T>({ type: "string", enum: values });
