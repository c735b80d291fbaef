/** Access tokens that are no longer good although their signature is: of one session, or a user's issued until a time. */
export interface Revocation {
  id: string;
  kind: "session" | "user";
  /** The session's or the user's id. */
  subject: string;
  /** RFC 3339. A session's tokens are refused whatever their age, a user's with `iat_ms` at or before it. */
  at: string;
  /** Missing where no session ended and tokens only have to be renewed, for other roles. */
  reason?: EndReason;
}

/** Why a session ended; goes to sockets as `session.ended`. */
export type EndReason = "logout" | "password" | "reuse" | "locked" | "erased" | "revoked";

/** Broadcast to every node as `auth.revoked` the moment something is revoked. It may be lost: see `auth.revocations`. */
export type RevokedEvent = Revocation;

/** A public key as JWKS has it (RFC 7517). */
export interface PublicJwk {
  kid: string;
  kty: string;
  alg: string;
  use: "sig";
  [member: string]: string;
}

declare module "../../lib/actions" {
  interface ActionMap {
    "auth.jwks": { params: object; result: { keys: PublicJwk[] } };
    /** What was revoked at or after `since`; the gateway asks again and again, since the broadcast may be lost. */
    "auth.revocations": { params: { since: string }; result: { items: Revocation[] } };
    /** Ends every session of a user (locked, erased). Access tokens die too. */
    "auth.endSessions": { params: { userId: string; reason: EndReason }; result: null };
    /** Roles changed: access tokens die, refresh tokens get new ones with the new roles. */
    "auth.renewClaims": { params: { userId: string }; result: null };
    /** Forgets credentials and sessions of a user who is erased; the address is free again. Idempotent. */
    "auth.erase": { params: { userId: string }; result: null };
  }
}
