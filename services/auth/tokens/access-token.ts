import { sign } from "jsonwebtoken";
import type { Environment } from "../../../lib/environment";
import { newId } from "../../../lib/ids";
import type { UserView } from "../../user/user.contract";
import type { SigningKey } from "./key-ring";

export interface Claims {
  user: Pick<UserView, "id" | "roles">;
  sid: string;
  /** Milliseconds since 1970: from before the user was read, so that a change of roles since then makes the token too old. */
  issuedAt: number;
  /** The role needs a second factor and the session has shown none: the token is good for setting one up alone. */
  mustEnrol: boolean;
}

/**
 * An access token as a JWT. `iat_ms` is `iat` in milliseconds: what revokes a user's tokens names a moment, and in whole
 * seconds, which is all that strict libraries take, the new token of that second could not be told from the old ones.
 */
export function signAccessToken(
  { user, sid, issuedAt, mustEnrol }: Claims,
  key: SigningKey,
  jwt: Environment["jwt"],
): string {
  const iat = Math.floor(issuedAt / 1000);
  const may = mustEnrol ? { roles: [], scope: "enrol" } : { roles: user.roles };
  return sign({ ...may, sid, iat, iat_ms: issuedAt, exp: iat + jwt.accessSeconds }, key.privateKey, {
    algorithm: "ES256",
    keyid: key.kid,
    issuer: jwt.issuer,
    audience: jwt.audience,
    subject: user.id,
    jwtid: newId(),
  });
}
