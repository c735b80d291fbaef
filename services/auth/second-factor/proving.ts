import { hasType, invalid, unauthorized, unprocessable } from "../../../lib/errors";
import type { Static } from "../../../lib/schema";
import type { AuthStore } from "../auth.store";
import type { CredentialDocument } from "../credentials";
import type { FollowingUp } from "../follow-up";
import type { Asking, Client } from "../neighbours";
import { demandPassword } from "../passwords/own-password";
import type { Passwords } from "../passwords/passwords";
import type { SignIn } from "../sign-in";
import type { SecondFactor } from "./second-factor";
import type { Disable, Prove } from "./second-factor.schema";

export interface Parts {
  store: AuthStore;
  passwords: Passwords;
  open: SignIn["open"];
  soon: FollowingUp["soon"];
}

const badCode = () => unprocessable("BAD_CODE", "The code is wrong, or was used before.");
const badMfaToken = () => unauthorized("BAD_TOKEN", "This sign-in is over: begin again with the password.");

/** What is proven by a code: who signs in, and that it is the owner who changes what signing in takes. */
export function proving({ store, passwords, open, soon }: Parts) {
  const { credentials, secondFactors, throttle, tokens } = store;

  /** Counted for the account alone: whoever tries its codes, from wherever and in whichever way. */
  const counted = <T>(userId: string, check: () => Promise<T | null>) =>
    throttle.proven(`second factor of ${userId}`, "", check);

  /** The credential whose code was taken; null for a wrong one. */
  async function take(credential: CredentialDocument, code: string, client: Client) {
    const taken = await counted(credential._id, () => secondFactors.take(credential, code, client));
    if (taken?.mails) await soon(taken);
    return taken;
  }

  /** Throws 422 BAD_CODE. */
  async function demandCode(own: CredentialDocument, code: string, client: Client): Promise<void> {
    if (!(await take(own, code, client))) throw badCode();
  }

  return {
    demandCode,

    /** The step of a code that belongs to the secret that was set up. Throws 422 BAD_CODE. */
    async demandStep(own: CredentialDocument, pending: NonNullable<SecondFactor["pending"]>, code: string) {
      const step = await counted(own._id, async () => secondFactors.matching(own, pending, code));
      if (step === null) throw badCode();
      return step;
    },

    /** A second factor goes with the password; where there is none, with a code of its own. */
    async demandOwner(own: CredentialDocument, shown: Static<typeof Disable>, client: Client): Promise<void> {
      const { password, code } = shown;
      if (own.hash) {
        if (password === undefined) throw invalid([{ path: "password", message: "is required" }]);
        await demandPassword({ store, passwords }, own._id, password, client);
      } else if (own.secondFactor?.on) {
        if (code === undefined) throw invalid([{ path: "code", message: "is required" }]);
        await demandCode(own, code, client);
      }
    },

    /** The second half of a sign-in. Throws 401 BAD_TOKEN and BAD_CODE. */
    async signIn({ mfaToken, code }: Static<typeof Prove>, asking: Asking) {
      const begun = await tokens.read("sign-in.second-factor", mfaToken);
      const credential = begun && (await credentials.get(begun.userId));
      const on = credential?.secondFactor?.on;
      if (!on || credential.epoch !== begun?.epoch) throw badMfaToken();
      const taken = await take(credential, code, asking.meta);
      if (!taken) throw unauthorized("BAD_CODE", "The code is wrong, or was used before.");
      if (!(await tokens.use("sign-in.second-factor", mfaToken))) throw badMfaToken();
      const recoveryCodesLeft = taken.secondFactor?.on?.recovery.length ?? 0;
      const opened = await open(taken, asking, on.id).catch((error: unknown) => {
        throw hasType(error, "BAD_CREDENTIALS") ? badMfaToken() : error;
      });
      return { ...opened, recoveryCodesLeft };
    },
  };
}
