import { forbidden } from "../../../lib/errors";
import type { AuthStore } from "../auth.store";
import type { CredentialDocument } from "../credentials";
import type { Client } from "../neighbours";
import type { Passwords } from "./passwords";

/**
 * The credential of a user who is signed in and says their password once more. Tries are counted by account and client,
 * whatever the password is asked for. Throws 403 WRONG_PASSWORD and 429 TOO_MANY_ATTEMPTS.
 */
export async function demandPassword(
  { store: { credentials, throttle }, passwords }: { store: AuthStore; passwords: Passwords },
  userId: string,
  password: string,
  { clientIp = "" }: Client,
): Promise<CredentialDocument> {
  const proven = await throttle.proven(`password of ${userId}`, clientIp, async () => {
    const own = await credentials.get(userId);
    return (await passwords.verify(own?.hash, password)) ? own : null;
  });
  if (!proven) throw forbidden("WRONG_PASSWORD", "The password is wrong.");
  return proven;
}
