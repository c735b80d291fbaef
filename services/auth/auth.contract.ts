import type { Nothing, Static } from "../../lib/schema";
import type * as schema from "./auth.schema";
import type * as recovery from "./recovery/recovery.schema";
import type * as secondFactor from "./second-factor/second-factor.schema";

/** Access tokens that are no longer good although their signature is: of one session, or a user's issued until a time. */
export type Revocation = Static<typeof schema.Revocations>["items"][number];

/** Why a session ended; goes to sockets as `session.ended`. */
export type EndReason = NonNullable<Revocation["reason"]>;

/** A public key as JWKS has it (RFC 7517). */
export type PublicJwk = Static<typeof schema.Jwks>["keys"][number] & Record<string, string>;

declare module "../../lib/actions" {
  interface ActionMap {
    "auth.jwks": Asked<typeof schema.NoParams, typeof schema.Jwks>;
    /** What was revoked at or after `since`; the gateway asks again and again, since the broadcast may be lost. */
    "auth.revocations": Asked<typeof schema.Since, typeof schema.Revocations>;
    /** Ends every session of a user (locked, erased). Access tokens die too. */
    "auth.endSessions": Asked<typeof schema.EndSessions, typeof Nothing>;
    /** Where a user is signed in, the last used first. */
    "auth.sessionsOf": Asked<typeof schema.OfUser, typeof schema.SessionsOfUser>;
    /** Ends one session, or all of a user, and answers how many; their access tokens die too. Idempotent. */
    "auth.revokeSessions": Asked<typeof schema.RevokeSessions, typeof schema.Revoked>;
    /** A fresh token for the link of a mail that is about to go; null where there is no use in it any more. */
    "auth.mailToken": Asked<typeof recovery.MailToken, typeof recovery.MailedToken>;
    /** Takes a lost second factor away and ends the user's sessions; the owner is told by mail. Idempotent. */
    "auth.resetSecondFactor": Asked<typeof secondFactor.Reset, typeof secondFactor.WasReset>;
    /** Roles changed: access tokens die, refresh tokens get new ones with the new roles. */
    "auth.renewClaims": Asked<typeof schema.OfUser, typeof Nothing>;
    /** Forgets credentials and sessions of a user who is erased; the address is free again. Idempotent. */
    "auth.erase": Asked<typeof schema.OfUser, typeof Nothing>;
  }
}

declare module "../../lib/events" {
  interface EventMap {
    /** Tokens that ended before their time; whoever missed it asks for `auth.revocations`. */
    "auth.revoked": Revocation;
  }
}
