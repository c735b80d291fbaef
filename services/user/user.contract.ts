import type { PostalAddress } from "../../lib/postal-address";
import type { Nothing, Static } from "../../lib/schema";
import type * as schema from "./user.schema";

export type UserView = Static<typeof schema.User>;

declare module "../../lib/actions" {
  interface ActionMap {
    /** Makes a user under the id that `auth` chose; the same id again answers the user there is. 409 EMAIL_TAKEN. */
    "user.create": Asked<typeof schema.CreateUser, typeof schema.User>;
    /** This address of theirs is proven; nothing where they have another one by now. Idempotent. */
    "user.verifyEmail": Asked<typeof schema.VerifyEmail, typeof Nothing>;
    /** 404 USER_NOT_FOUND, also for an erased one. */
    "user.find": Asked<typeof schema.ById, typeof schema.User>;
    /** Users, the newest first; with `email` the one who has it. */
    "user.list": Asked<typeof schema.ListUsers, typeof schema.Users>;
    /** One of a user's own addresses, without an id the default one. 404 ADDRESS_NOT_FOUND. */
    "user.address": Asked<typeof schema.AddressOf, typeof PostalAddress>;
  }
}
