import type { ActionSchema } from "moleculer";
import { action, callerOf, type Role, type ShopContext } from "../../../lib/actions";
import type { Settings } from "../../../lib/config/declaration";
import { crashPoint } from "../../../lib/crash";
import type { Environment } from "../../../lib/environment";
import { conflict, unauthorized } from "../../../lib/errors";
import { Nothing } from "../../../lib/schema";
import type { authConfig } from "../auth.config";
import { NoParams, Tokens } from "../auth.schema";
import type { CredentialDocument } from "../credentials";
import type { Revoking } from "../sessions/revoking";
import { signedIn } from "../sessions/signed-in";
import { type Parts as ProvingParts, proving } from "./proving";
import * as schema from "./second-factor.schema";
import { inBase32, otpauthUrl } from "./totp";

interface Parts extends ProvingParts {
  revoke: Revoking;
  settings: Settings<typeof authConfig>;
  environment: Pick<Environment, "webUrl">;
}

const alreadyOn = () =>
  conflict("MFA_ALREADY_ENABLED", "A second factor is on already. Where a session has not shown it, sign in again.");
const accountChanged = () => conflict("ACCOUNT_CHANGED", "The account has just been changed; try again.");
const notOn = () => conflict("MFA_NOT_ENABLED", "There is no second factor.");

/** Setting up a second factor, showing it, and taking it away. */
export function secondFactorActions(parts: Parts): Record<string, ActionSchema> {
  const { store, settings, environment, soon } = parts;
  const { credentials, secondFactors, sessions } = store;
  const { demandCode, demandOwner, demandStep, signIn } = proving(parts);
  const issuer = new URL(environment.webUrl).hostname;

  const needsOne = (roles: Role[]) => roles.some((role) => settings.requiredRoles.includes(role));

  /** Throws 401 for a session that has ended. */
  async function demandSignedIn(ctx: ShopContext): Promise<CredentialDocument> {
    const { id, sid } = callerOf(ctx);
    const own = await signedIn(store, id, sid);
    if (!own) throw unauthorized("TOKEN_REVOKED", "The session of this access token has ended.");
    return own;
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
          required: mustEnrol || needsOne(roles),
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
        const step = await demandStep(own, pending, ctx.params.code);
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
        [409, "ACCOUNT_CHANGED"],
        [422, "BAD_CODE"],
        [429, "TOO_MANY_ATTEMPTS"],
      ],
      async handler(ctx) {
        const own = await demandSignedIn(ctx);
        await demandOwner(own, ctx.params, ctx.meta);
        const disabled = await secondFactors.disable(own, ctx.meta);
        if (disabled) {
          await soon(disabled);
          // Tokens there are were for whoever has shown it.
          if (needsOne(callerOf(ctx).roles)) await parts.revoke.renewClaims(own._id);
        } else if ((await credentials.get(own._id))?.secondFactor?.on) throw accountChanged();
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
        await demandCode(own, ctx.params.code, ctx.meta);
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
      handler: (ctx) => signIn(ctx.params, ctx),
    }),
  };
}
