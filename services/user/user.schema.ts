import { Id, OneOf, PageOf, pageParams, type Static, Strict, Timestamp, Type } from "../../lib/schema";

/** No control characters, line separators or marks that reorder text; at least one character that shows. */
const SHOWN = "[^\\p{Cc}\\u2028\\u2029\\u202A-\\u202E\\u2066-\\u2069]";
const Text = (maxLength: number, description?: string) =>
  Type.String({ maxLength, pattern: `^${SHOWN}*(?!\\s)${SHOWN}${SHOWN}*$`, description });

export const Name = Text(100, "as it is shown to others");
export const Email = Type.String({ format: "email", maxLength: 254 });
/** One type rather than a choice of two, so that a wrong value is one error. */
const Nullable = (type: ReturnType<typeof Type.String>, description?: string) =>
  Type.Unsafe<string | null>({ ...type, type: ["string", "null"], ...(description && { description }) });

export const RoleSchema = OneOf("customer", "agent", "admin");
export const Roles = Type.Array(RoleSchema, { minItems: 1, maxItems: 3, uniqueItems: true });
const Status = OneOf("active", "locked");

export const User = Type.Object({
  id: Id,
  email: Nullable(Type.String()),
  emailVerified: Type.Boolean(),
  name: Type.String(),
  roles: Type.Array(RoleSchema),
  status: Status,
  createdAt: Timestamp,
});
export const Users = PageOf(User);

const addressFields = {
  recipient: Text(100),
  phone: Type.String({ pattern: "^\\+?[0-9](?:[ ().-]?[0-9]){5,17}$", maxLength: 32, description: "6 to 18 digits" }),
  postalCode: Type.String({ pattern: "^[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){1,9}$", maxLength: 20 }),
  line1: Text(200),
  line2: Type.Optional(Text(200)),
  city: Type.Optional(Text(100)),
  country: Type.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2" }),
};
const isDefault = Type.Optional(Type.Boolean({ description: "takes over from the address that was the default" }));

export const PostalAddressSchema = Type.Object(addressFields);
export const Address = Type.Object({ id: Id, ...addressFields, isDefault: Type.Boolean() });
export const Addresses = Type.Object({ items: Type.Array(Address) });
export type Address = Static<typeof Address>;

export const NoParams = Strict({});
export const ById = Strict({ id: Id });
export const AddressOf = Strict({ userId: Id, addressId: Id });
export const CreateUser = Strict({ id: Id, email: Nullable(Email), name: Name, roles: Type.Optional(Roles) });
export const ChangeMe = Strict({ name: Type.Optional(Name) });
export const AddAddress = Strict({ ...addressFields, isDefault });
export const ChangeAddress = Strict({
  id: Id,
  ...Type.Partial(Type.Object(addressFields)).properties,
  line2: Type.Optional(Nullable(addressFields.line2, "null removes it")),
  city: Type.Optional(Nullable(addressFields.city, "null removes it")),
  isDefault,
});
export const ListUsers = Strict({
  email: Type.Optional(Type.String({ minLength: 1, maxLength: 254, description: "the whole address" })),
  ...pageParams,
});
export const ChangeUser = Strict({ id: Id, roles: Type.Optional(Roles), status: Type.Optional(Status) });
