import type { Role } from "../../lib/actions";
import type { PostalAddress } from "../../lib/postal-address";

export interface UserView {
  id: string;
  email: string | null;
  emailVerified: boolean;
  name: string;
  roles: Role[];
  status: "active" | "locked";
  createdAt: string;
}

declare module "../../lib/actions" {
  interface ActionMap {
    /** Makes a user under the id that `auth` chose; the same id again answers the user there is. 409 EMAIL_TAKEN. */
    "user.create": {
      params: { id: string; email: string | null; name: string; roles?: Role[] };
      result: UserView;
    };
    /** 404 USER_NOT_FOUND, also for an erased one. */
    "user.find": { params: { id: string }; result: UserView };
    /** One of a user's own addresses, without an id the default one. 404 ADDRESS_NOT_FOUND. */
    "user.address": { params: { userId: string; addressId?: string }; result: PostalAddress };
  }
}
