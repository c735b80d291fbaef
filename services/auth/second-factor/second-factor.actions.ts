import type { ActionSchema } from "moleculer";
import { action, callerOf, type ShopContext } from "../../../lib/actions";
import type { Settings } from "../../../lib/config/declaration";
import { crashPoint } from "../../../lib/crash";
import type { Environment } from "../../../lib/environment";
import { conflict, forbidden, hasType, invalid, unauthorized, unprocessable } from "../../../lib/errors";
import { Nothing } from "../../../lib/schema";
import type { authConfig } from "../auth.config";
import { NoParams, Tokens } from "../auth.schema";
import type { AuthStore } from "../auth.store";
import type { CredentialDocument } from "../credentials";
import type { FollowingUp } from "../follow-up";
import type { Client } from "../neighbours";
import type { Passwords } from "../passwords/passwords";
import { signedIn } from "../sessions/signed-in";
import type { SignIn } from "../sign-in";
import * as schema from "./second-factor.schema";
import { inBase32, otpauthUrl } from "./totp";

interface Parts {
  store: AuthStore;
  passwords: Passwords;
  settings: Settings<typeof authConfig>;
  environment: Pick<Environment, "webUrl">;
  open: SignIn["open"];
  soon: FollowingUp["soon"];
}

const badCode = () => unprocessable("BAD_CODE", "The code is wrong, or was used before.");
const badMfaToken = () => unauthorized("BAD_TOKEN", "This sign-in is over: begin again with the password.");
const alreadyOn = () =>
  conflict("MFA_ALREADY_ENABLED", "A second factor is on already. Where a session has not shown it, sign in again.");
const notOn = () => conflict("MFA_NOT_ENABLED", "There is no second factor.");

/** Setting up a second factor, showing it, and taking it away. */
export function secondFactorActions(parts: Parts): Record<string, ActionSchema> {
  const { passwords, settings, environment, open, soon } = parts;
  const { credentials, secondFactors, sessions, throttle, tokens } = parts.store;
  const issuer = new URL(environment.webUrl).hostname;

  /** Counted for the account alone: whoever tries its codes, from wherever and in whichever way. */
  const counted = <T>(userId: string, check: () => Promise<T | null>) =>
    throttle.proven(`second factor of ${userId}`, "", check);

  /** Throws 401 for a session that has ended. */
  async function demandSignedIn(ctx: ShopContext): Promise<CredentialDocument> {
    const { id, sid } = callerOf(ctx);
    const own = await signedIn(parts.store, id, sid);
    if (!own) throw unauthorized("TOKEN_REVOKED", "The session of this access token has ended.");
    return own;
  }

  /** The credential whose code was taken; null for a wrong one. */
  async function take(credential: CredentialDocument, code: string, meta: Client) {
    const taken = await counted(credential._id, () => secondFactors.take(credential, code, meta));
    if (taken?.mails) await soon(taken);
    return taken;
  }

  /** A second factor goes with the password; where there is none, with a code of its own. */
  async function demandProof(own: CredentialDocument, ctx: ShopContext<{ password?: string; code?: string }>) {
    const { password, code } = ctx.params;
    if (own.hash) {
      if (password === undefined) throw invalid([{ path: "password", message: "is required" }]);
      const verify = async () => (await passwords.verify(own.hash, password)) || null;
      const right = await throttle.proven(`password of ${own._id}`, ctx.meta.clientIp ?? "", verify);
      if (!right) throw forbidden("WRONG_PASSWORD", "The password is wrong.");
    } else if (own.secondFactor?.on) {
      if (code === undefined) throw invalid([{ path: "code", message: "is required" }]);
      if (!(await take(own, code, ctx.meta))) throw badCode();
    }
  }

  return {
    mfa: action({
      rest: "GET /auth/mfa",
      access: "signed-in",
      enrolling: true,
      summary: "Whether one has a second factor, and needs one",
      params: NoParams,
      returns: schema.State,
      async handler(ctx) {
        const { id, roles, mustEnrol = false } = callerOf(ctx);
        const on = (await credentials.get(id))?.secondFactor?.on;
        return {
          enabled: on !== undefined,
          ...(on && { enabledAt: on.since }),
          recoveryCodesLeft: on?.recovery.length ?? 0,
          required: mustEnrol || roles.some((role) => settings.requiredRoles.includes(role)),
        };
      },
    }),

    setUpTotp: action({
      rest: "POST /auth/mfa/totp",
      access: "signed-in",
      enrolling: true,
      summary:
        "A secret for an authenticator app, which counts once a code of it is confirmed; asked again another one",
      params: NoParams,
      returns: schema.NewSecret,
      errors: [[409, "MFA_ALREADY_ENABLED"]],
      async handler(ctx) {
        const { id } = callerOf(ctx);
        const secret = await secondFactors.setUp(await demandSignedIn(ctx));
        if (!secret) throw alreadyOn();
        const { email, name } = await ctx.call("user.find", { id });
        return { secret: inBase32(secret), otpauthUrl: otpauthUrl(secret, { issuer, account: email ?? name }) };
      },
    }),

    confirmTotp: action({
      rest: "POST /auth/mfa/totp/confirm",
      access: "signed-in",
      enrolling: true,
      limit: "credentials",
      summary: "Turns the second factor on; from now on signing in asks for a code, each of which counts once",
      params: schema.Confirm,
      returns: schema.RecoveryCodes,
      errors: [
        [409, "MFA_ALREADY_ENABLED"],
        [409, "MFA_NOT_STARTED"],
        [422, "BAD_CODE"],
        [429, "TOO_MANY_ATTEMPTS"],
      ],
      async handler(ctx) {
        const { id, sid } = callerOf(ctx);
        const own = await demandSignedIn(ctx);
        const { on, pending } = own.secondFactor ?? {};
        if (on) throw alreadyOn();
        if (!pending) throw conflict("MFA_NOT_STARTED", "Ask for a secret first.");
        const step = await counted(id, async () => secondFactors.matching(own, pending, ctx.params.code));
        if (step === null) throw badCode();
        // First, for nothing: until it is on, the mark is that of no second factor.
        await sessions.showed(sid, id, pending.id);
        const confirmed = await secondFactors.enable(own, step, ctx.meta);
        if (!confirmed) throw conflict("MFA_NOT_STARTED", "Another secret was asked for meanwhile.");
        crashPoint("auth.second-factor-enabled");
        await soon(confirmed.enabled);
        return { recoveryCodes: confirmed.codes };
      },
    }),

    disableTotp: action({
      rest: "DELETE /auth/mfa/totp",
      access: "signed-in",
      limit: "credentials",
      summary: "Takes the second factor away, also where there is none; the body has the password",
      params: schema.Disable,
      returns: Nothing,
      status: 204,
      errors: [
        [403, "WRONG_PASSWORD"],
        [422, "BAD_CODE"],
        [429, "TOO_MANY_ATTEMPTS"],
      ],
      async handler(ctx) {
        const { id } = callerOf(ctx);
        const own = await credentials.get(id);
        if (own) await demandProof(own, ctx);
        const disabled = await secondFactors.disable(id, ctx.meta);
        if (disabled) await soon(disabled);
        return null;
      },
    }),

    renewRecoveryCodes: action({
      rest: "POST /auth/mfa/recovery-codes",
      access: "signed-in",
      limit: "credentials",
      summary: "Ten new recovery codes; those of before are good no more",
      params: schema.WithCode,
      returns: schema.RecoveryCodes,
      errors: [
        [409, "MFA_NOT_ENABLED"],
        [422, "BAD_CODE"],
        [429, "TOO_MANY_ATTEMPTS"],
      ],
      async handler(ctx) {
        const own = await credentials.get(callerOf(ctx).id);
        if (!own?.secondFactor?.on) throw notOn();
        if (!(await take(own, ctx.params.code, ctx.meta))) throw badCode();
        const recoveryCodes = await secondFactors.renewCodes(own);
        if (!recoveryCodes) throw notOn();
        return { recoveryCodes };
      },
    }),

    showSecondFactor: action({
      rest: "POST /auth/mfa",
      access: "anyone",
      limit: "credentials",
      summary: "The second half of a sign-in: a code of the app or a recovery code",
      params: schema.Prove,
      returns: Tokens,
      errors: [
        [401, "BAD_CODE"],
        [401, "BAD_TOKEN"],
        [403, "ACCOUNT_LOCKED"],
        [429, "TOO_MANY_ATTEMPTS"],
      ],
      async handler(ctx) {
        const { mfaToken, code } = ctx.params;
        const begun = await tokens.read("sign-in.second-factor", mfaToken);
        const credential = begun && (await credentials.get(begun.userId));
        const on = credential?.secondFactor?.on;
        if (!on || credential.epoch !== begun?.epoch) throw badMfaToken();
        const taken = await take(credential, code, ctx.meta);
        if (!taken) throw unauthorized("BAD_CODE", "The code is wrong, or was used before.");
        if (!(await tokens.use("sign-in.second-factor", mfaToken))) throw badMfaToken();
        const recoveryCodesLeft = taken.secondFactor?.on?.recovery.length ?? 0;
        const opened = await open(taken, ctx, on.id).catch((error: unknown) => {
          throw hasType(error, "BAD_CREDENTIALS") ? badMfaToken() : error;
        });
        return { ...opened, recoveryCodesLeft };
      },
    }),
  };
}
