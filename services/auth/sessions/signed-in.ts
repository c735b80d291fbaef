import type { AuthStore } from "../auth.store";
import type { CredentialDocument } from "../credentials";

/**
 * The credential of whoever asks in a session; null where that session has ended or is about to, although its access token
 * may still be taken. It is read before the session is looked at: what ends sessions raises its `epoch`, which a write that
 * opens another way in has to name.
 */
export async function signedIn(
  { credentials, sessions }: Pick<AuthStore, "credentials" | "sessions">,
  userId: string,
  sid: string,
): Promise<CredentialDocument | null> {
  const own = await credentials.get(userId);
  const isEnding = own?.ending !== undefined && own.ending.keep !== sid;
  return own && !isEnding && (await sessions.isOpen(sid, userId)) ? own : null;
}
