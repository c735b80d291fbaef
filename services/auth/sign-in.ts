import type { Settings } from "../../lib/config/declaration";
import { crashPoint } from "../../lib/crash";
import type { Environment } from "../../lib/environment";
import { forbidden, unauthorized } from "../../lib/errors";
import type { UserView } from "../user/user.contract";
import type { authConfig } from "./auth.config";
import type { AuthStore } from "./auth.store";
import { type CredentialDocument, normaliseEmail } from "./credentials";
import { type Asking, findUser, type Neighbours } from "./neighbours";
import type { Passwords } from "./passwords/passwords";
import { requireStrong } from "./passwords/weak-passwords";
import { mustEnrol, type SecondFactor } from "./second-factor/second-factor";
import type { Revoking } from "./sessions/revoking";
import { signAccessToken } from "./tokens/access-token";

const badCredentials = () => unauthorized("BAD_CREDENTIALS", "The email address or the password is wrong.");
const secondFactorRequired = (mfaToken: string) =>
  unauthorized("MFA_REQUIRED", "Send a code of your second factor with this token to /auth/mfa.", {
    extra: { mfaToken },
  });
export const badRefreshToken = () => unauthorized("BAD_REFRESH_TOKEN", "This refresh token is no longer good.");

/**
 * The `iat_ms` of a token with the claims that are read from now on: after what this credential knows to
 * be revoked, also where another node's clock is ahead.
 */
const issueTime = (credential: CredentialDocument | null): number =>
  Math.max(Date.now(), credential?.revokedAt ? Date.parse(credential.revokedAt) + 1 : 0);

/** Who gets tokens, and what second factor they have and have shown in their session. */
interface Proven {
  user: UserView;
  sid: string;
  refreshToken: string;
  issuedAt: number;
  on: SecondFactor["on"];
  shown: string | undefined;
}

interface Parts {
  store: AuthStore;
  passwords: Passwords;
  revoke: Revoking;
  jwt: Environment["jwt"];
  settings: Settings<typeof authConfig>;
}

/** Registering, signing in and going on: whatever ends in tokens. */
export function signIn({ store, passwords, revoke, jwt, settings }: Parts) {
  const { credentials, sessions, throttle, tokens, keyRing } = store;

  function answer({ user, sid, refreshToken, issuedAt, on, shown }: Proven) {
    const restricted = mustEnrol(user.roles, settings.requiredRoles, on, shown);
    return {
      user,
      accessToken: signAccessToken({ user, sid, issuedAt, mustEnrol: restricted }, keyRing.signingKey(), jwt),
      refreshToken,
      tokenType: "Bearer" as const,
      expiresIn: jwt.accessSeconds,
      ...(restricted && { mfaEnrolmentRequired: true }),
    };
  }

  /** Makes the user of a pending credential and then the credential good; whoever finds it undone does it again. */
  async function complete(credential: CredentialDocument, asking: Neighbours): Promise<CredentialDocument> {
    const { _id, email = null, claim } = credential;
    if (!claim) return credential;
    const { name, roles, emailVerified } = claim;
    crashPoint("auth.claimed");
    const user = await asking.call("user.create", { id: _id, email, name, roles, emailVerified });
    // The user may be there already, of a registration whose address nobody vouched for.
    if (emailVerified && email && !user.emailVerified) await asking.call("user.verifyEmail", { id: _id, email });
    crashPoint("auth.user-created");
    return credentials.activate(credential);
  }

  /**
   * A session for a credential that was proven, unless that was overtaken by a new password, a lock or erasure. Where it
   * has a second factor, `shown` says that this was proven, too; else 401 MFA_REQUIRED.
   */
  async function open(credential: CredentialDocument, asking: Asking, shown?: string) {
    const issuedAt = issueTime(credential);
    const user = await findUser(asking, credential._id);
    if (!user) throw badCredentials();
    if (user.status === "locked") throw forbidden("ACCOUNT_LOCKED", "This account is locked.");
    const { epoch, secondFactor: { on } = {} } = credential;
    if (on && on.id !== shown)
      throw secondFactorRequired(await tokens.make("sign-in.second-factor", { userId: user.id, epoch }));
    const { sid, refreshToken } = await sessions.open(user.id, asking.meta, shown);
    const current = await credentials.get(user.id);
    if (current?.epoch !== epoch) {
      await sessions.discard(sid);
      throw badCredentials();
    }
    return answer({ user, sid, refreshToken, issuedAt, on, shown });
  }

  /** A credential's first factor was proven, however: what follows. */
  async function proceed(credential: CredentialDocument, asking: Asking) {
    return open(await complete(credential, asking), asking);
  }

  async function register(asked: { email: string; password: string; name: string }, asking: Asking) {
    const name = asked.name.trim();
    requireStrong(asked.password, "password", { email: asked.email, name });
    const hash = await passwords.hash(asked.password);
    const claimed = await credentials.claim({ email: asked.email, hash, name });
    const active = await complete(claimed, asking).catch(async (error: unknown) => {
      await credentials.release(claimed);
      throw error;
    });
    return open(active, asking);
  }

  async function login({ email, password }: { email: string; password: string }, asking: Asking) {
    const account = normaliseEmail(email);
    const credential = await throttle.proven(account, asking.meta.clientIp ?? "", async () => {
      const found = await credentials.byEmail(account);
      return (await passwords.verify(found?.hash, password)) ? found : null;
    });
    if (!credential) throw badCredentials();
    if (credential.hash && passwords.isOutdated(credential.hash))
      await credentials.rehash(credential, await passwords.hash(password));
    return proceed(credential, asking);
  }

  async function refresh(refreshToken: string, asking: Asking) {
    const found = await sessions.of(refreshToken);
    if (!found) throw badRefreshToken();
    const { session, token } = found;
    const credential = await credentials.get(session.userId);
    const issuedAt = issueTime(credential);
    const user = await findUser(asking, session.userId);
    if (user?.status !== "active") throw badRefreshToken();
    const next = await sessions.rotate(session, token, asking.meta);
    if (!next) {
      const reused = await revoke.end(session._id, "reuse");
      throw reused ? unauthorized("REFRESH_TOKEN_REUSED", "A used refresh token ends its session.") : badRefreshToken();
    }
    const { _id: sid, secondFactor: shown } = session;
    return answer({ user, sid, refreshToken: next, issuedAt, on: credential?.secondFactor?.on, shown });
  }

  return { register, login, proceed, open, refresh, complete };
}

export type SignIn = ReturnType<typeof signIn>;
