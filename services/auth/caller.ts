import type { Caller, ShopContext } from "../../lib/actions";
import { unauthorized } from "../../lib/errors";

/** Who is signed in. Throws 401 UNAUTHENTICATED. */
export function callerOf({ meta }: ShopContext): Caller {
  if (!meta.user) throw unauthorized("UNAUTHENTICATED", "Sign in and send the access token.");
  return meta.user;
}
