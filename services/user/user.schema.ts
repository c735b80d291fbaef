import { postalAddressFields } from "../../lib/postal-address";
import { Id, OneOf, PageOf, pageParams, ShownText, type Static, Strict, Timestamp, Type } from "../../lib/schema";

export const Name = ShownText(100, "as it is shown to others");
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

const isDefault = Type.Optional(Type.Boolean({ description: "takes over from the address that was the default" }));

export const Address = Type.Object({ id: Id, ...postalAddressFields, isDefault: Type.Boolean() });
export const Addresses = Type.Object({ items: Type.Array(Address) });
export type Address = Static<typeof Address>;

export const NoParams = Strict({});
export const ById = Strict({ id: Id });
export const AddressOf = Strict({ userId: Id, addressId: Type.Optional(Id) });
export const CreateUser = Strict({
  id: Id,
  email: Nullable(Email),
  /** Whoever vouches for the address has seen that it is theirs. */
  emailVerified: Type.Optional(Type.Boolean()),
  name: Name,
  roles: Type.Optional(Roles),
});
export const VerifyEmail = Strict({ id: Id, email: Email });
export const ChangeMe = Strict({ name: Type.Optional(Name) });
export const AddAddress = Strict({ ...postalAddressFields, isDefault });
export const ChangeAddress = Strict({
  id: Id,
  ...Type.Partial(Type.Object(postalAddressFields)).properties,
  line2: Type.Optional(Nullable(postalAddressFields.line2, "null removes it")),
  city: Type.Optional(Nullable(postalAddressFields.city, "null removes it")),
  isDefault,
});
export const ListUsers = Strict({
  email: Type.Optional(Type.String({ minLength: 1, maxLength: 254, description: "the whole address" })),
  ...pageParams,
});
export const ChangeUser = Strict({ id: Id, roles: Type.Optional(Roles), status: Type.Optional(Status) });
