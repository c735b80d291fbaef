import { clientGroup } from "../../../lib/client-group";
import { crashPoint } from "../../../lib/crash";
import { conflict, ShopError, tooMany } from "../../../lib/errors";
import type { Static } from "../../../lib/schema";
import { after, isPast } from "../../../lib/time";
import type { AuthStore } from "../auth.store";
import { normaliseEmail } from "../credentials";
import type { FollowingUp } from "../follow-up";
import { newMail } from "../mails";
import { type Client, findUser, handOver, type Neighbours } from "../neighbours";
import type { Passwords } from "../passwords/passwords";
import { requireStrong } from "../passwords/weak-passwords";
import type { Allowance } from "../throttle";
import { LIFETIME_MS } from "../tokens/one-time-tokens";
import type { RecoveryDocument } from "./recoveries";
import type { MailedToken, MailToken } from "./recovery.schema";

const HOUR_MS = 3_600_000;
/** What somebody else can have sent to an address, or have us write down, is bounded. */
const BY_ADDRESS: Allowance = { times: 5, ms: HOUR_MS };
const BY_CLIENT: Allowance = { times: 20, ms: HOUR_MS };
const BY_ACCOUNT: Allowance = { times: 5, ms: HOUR_MS };

interface Parts {
  store: AuthStore;
  passwords: Passwords;
  soon: FollowingUp["soon"];
  asking: Neighbours;
}

const badToken = () => new ShopError(400, "BAD_TOKEN", "This link is no longer good. Ask for another one.");

/** Proving an address by a link that is mailed to it, and getting back in by one. */
export function recovery({ store, passwords, soon, asking }: Parts) {
  const { credentials, recoveries, throttle, tokens } = store;

  return {
    /** Takes the same work, and says the same, whether the address has an account or not. */
    async forgot(email: string, meta: Client): Promise<void> {
      const client = clientGroup(meta.clientIp ?? "");
      if ((await throttle.spend(`recoveries from ${client}`, BY_CLIENT)) > 0) return;
      if ((await throttle.spend(`recoveries of ${normaliseEmail(email)}`, BY_ADDRESS)) > 0) return;
      await recoveries.add(email, meta);
      crashPoint("auth.recovery-accepted");
    },

    /** The request's id is the mail's: whoever takes it up again makes no second one. */
    async takeUp(request: RecoveryDocument): Promise<void> {
      const { _id: id, email, at, acceptLanguage, userAgent, ip } = request;
      const credential = await credentials.byEmail(email);
      if (credential?.state === "active") {
        const mail = { id, userId: credential._id, kind: "password.reset" as const, at, acceptLanguage, userAgent, ip };
        await handOver(asking, mail);
      }
      crashPoint("auth.recovery-handed-over");
      await recoveries.done(request);
    },

    /** Throws 400 BAD_TOKEN, and 422 for a weak password, after which the token is as good as before. */
    async reset({ token, newPassword }: { token: string; newPassword: string }, meta: Client): Promise<void> {
      const found = await tokens.read("password.reset", token);
      const user = found && (await findUser(asking, found.userId));
      if (!found || !user) throw badToken();
      const { userId, passwordId, email } = found;
      requireStrong(newPassword, "newPassword", { email, name: user.name });
      const changed = await credentials.replacePassword(userId, {
        passwordId: passwordId ?? undefined,
        hash: await passwords.hash(newPassword),
        proves: email,
        alone: !user.emailVerified,
        mail: newMail("password.changed", meta),
      });
      // Of several at once one replaces the password that the token is for.
      if (!changed) throw badToken();
      crashPoint("auth.password-reset");
      await soon(changed);
      await tokens.revoke(userId, "password.reset");
    },

    /** Throws 409 NO_EMAIL and 429 TOO_MANY_ATTEMPTS. */
    async askForProof(userId: string, meta: Client): Promise<void> {
      const { email, emailVerified } = await asking.call("user.find", { id: userId });
      if (email === null) throw conflict("NO_EMAIL", "This account has no email address.");
      if (emailVerified) return;
      const client = clientGroup(meta.clientIp ?? "");
      // Accounts of `me+1@`, `me+2@` and so on are many, and their mails come to one.
      const retryAfter =
        (await throttle.spend(`verifications from ${client}`, BY_CLIENT)) ||
        (await throttle.spend(`verifications of ${userId}`, BY_ACCOUNT));
      if (retryAfter > 0) throw tooMany("TOO_MANY_ATTEMPTS", "Enough mails were sent. Look for them.", retryAfter);
      const asked = await credentials.tell({ _id: userId, state: "active" }, newMail("email.verification", meta), {});
      crashPoint("auth.verification-accepted");
      if (asked) await soon(asked);
    },

    /** The address first: whoever dies between the two leaves a link that can be followed again. Throws 400 BAD_TOKEN. */
    async prove(token: string): Promise<void> {
      const found = await tokens.read("email.verification", token);
      if (!found) throw badToken();
      await asking.call("user.verifyEmail", { id: found.userId, email: found.email });
      crashPoint("auth.email-verified");
      if (!(await tokens.use("email.verification", token))) throw badToken();
    },

    /** A fresh token for a mail that goes now. Its time counts from the request, however long the mail waited. */
    async mailToken({
      userId,
      kind,
      email,
      requestedAt,
    }: Static<typeof MailToken>): Promise<Static<typeof MailedToken>> {
      const expiresAt = after(LIFETIME_MS[kind], requestedAt);
      if (isPast(expiresAt)) return null;
      const [credential, user] = await Promise.all([credentials.get(userId), findUser(asking, userId)]);
      const isTheirs = user?.email === email && credential?.email === email && credential.state === "active";
      if (!isTheirs || (kind === "email.verification" && user.emailVerified)) return null;
      const token =
        kind === "password.reset"
          ? await tokens.make(kind, { userId, email, passwordId: credential.passwordId ?? null }, requestedAt)
          : await tokens.make(kind, { userId, email }, requestedAt);
      return { token, expiresAt };
    },
  };
}
