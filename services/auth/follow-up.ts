import type { ServiceBroker } from "moleculer";
import type { AuthStore } from "./auth.store";
import type { CredentialDocument } from "./credentials";
import { handOver, type Neighbours } from "./neighbours";
import type { Revoking } from "./sessions/revoking";
import type { SignIn } from "./sign-in";

interface Parts {
  store: AuthStore;
  revoke: Revoking;
  /** Goes on with a registration that is pending. */
  complete: SignIn["complete"];
  asking: Neighbours;
  logger: ServiceBroker["logger"];
}

/** Does what a change of a credential makes necessary; each part is idempotent and stays noted until it is done. */
export function followingUp({ store: { credentials }, revoke, complete, asking, logger }: Parts) {
  async function tellOwner({ _id: userId, mails = [] }: CredentialDocument): Promise<void> {
    for (const mail of mails) {
      await handOver(asking, { ...mail, userId });
      await credentials.handedOver(userId, mail.id);
    }
  }

  async function tellUser(credential: CredentialDocument): Promise<void> {
    const { _id: id, provenEmail: email } = credential;
    if (!email) return;
    await asking.call("user.verifyEmail", { id, email });
    await credentials.emailProven(credential);
  }

  /** All that is left of it; rejects when a part could not be done, and the sweeper comes back to it. */
  async function followUp(credential: CredentialDocument): Promise<void> {
    if (credential.ending) await revoke.endOthers(credential);
    await Promise.all([tellUser(credential), tellOwner(credential)]);
    if (credential.state !== "pending") return credentials.followed(credential);
    await complete(credential, asking).catch(async (error: unknown) => {
      await credentials.postpone(credential);
      throw error;
    });
  }

  return {
    followUp,

    /** Sessions end before this resolves; mails go when they can. */
    async soon(credential: CredentialDocument): Promise<void> {
      if (credential.ending) await revoke.endOthers(credential);
      followUp({ ...credential, ending: undefined }).catch((error: unknown) => {
        logger.warn({ err: error, userId: credential._id }, "what a change makes necessary will be done later");
      });
    },
  };
}

export type FollowingUp = ReturnType<typeof followingUp>;
