import { crashPoint } from "../../../lib/crash";
import type { EndReason, Revocation } from "../auth.contract";
import type { AuthStore } from "../auth.store";
import type { CredentialDocument } from "../credentials";
import type { SessionDocument } from "./sessions";

const ofSession = (sid: string, at: string, reason?: EndReason): Revocation => ({
  id: `session:${sid}:${at}`,
  kind: "session",
  subject: sid,
  at,
  reason,
});
const ofUser = ({ _id, revokedAt = "", revokedFor }: CredentialDocument): Revocation => ({
  id: `user:${_id}:${revokedAt}`,
  kind: "user",
  subject: _id,
  at: revokedAt,
  reason: revokedFor,
});

/**
 * Ends sessions and access tokens. What is revoked is a part of the session's or the credential's own document, written
 * with the change that revokes it; `announce` only makes every node know at once.
 */
export function revoking({ credentials, sessions, tokens }: AuthStore, announce: (revocation: Revocation) => void) {
  const announceUser = (revoked: CredentialDocument | null) => {
    if (revoked) announce(ofUser(revoked));
  };

  async function endSessions(userId: string, reason: EndReason, which?: { keep?: string; until?: string }) {
    const { ended, at } = await sessions.endAll(userId, reason, which);
    for (const sid of ended) announce(ofSession(sid, at, reason));
  }

  return {
    /** Ends one session, of `owner` where given; answers whether there was one to end. */
    async end(sid: string, reason: EndReason, owner?: string): Promise<boolean> {
      const ended = await sessions.end(sid, reason, owner);
      if (ended) announce(ofSession(sid, ended.revokedAt ?? "", reason));
      return ended !== null;
    },

    /** Ends what a change of the credential said is to be ended. Idempotent. */
    async endOthers(credential: CredentialDocument): Promise<void> {
      const { keep, until, reason = "password" } = credential.ending ?? {};
      await endSessions(credential._id, reason, { keep, until });
      await credentials.othersEnded(credential);
    },

    /** The epoch first: a login that still runs looks at it after it opened its session, so that one of the two sees the other. */
    async endUser(userId: string, reason: EndReason): Promise<void> {
      const revoked = await credentials.revoke(userId, reason);
      announceUser(revoked);
      crashPoint("auth.user-revoked");
      await endSessions(userId, reason);
      if (!revoked) return;
      await credentials.othersEnded(revoked);
      await credentials.followed(revoked);
    },

    async renewClaims(userId: string): Promise<void> {
      announceUser(await credentials.renew(userId));
    },

    async erase(userId: string): Promise<void> {
      announceUser(await credentials.erase(userId));
      await tokens.revoke(userId);
      await endSessions(userId, "erased");
      await sessions.anonymise(userId);
    },

    async since(since: string): Promise<Revocation[]> {
      const [ended, revoked] = await Promise.all([sessions.endedSince(since), credentials.revokedSince(since)]);
      const ofSessions = ended.map(({ _id, revokedAt = "", revokedFor }: SessionDocument) =>
        ofSession(_id, revokedAt, revokedFor),
      );
      return [...ofSessions, ...revoked.map(ofUser)];
    },
  };
}

export type Revoking = ReturnType<typeof revoking>;
