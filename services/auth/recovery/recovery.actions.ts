import type { ActionSchema } from "moleculer";
import { action, callerOf } from "../../../lib/actions";
import { Nothing } from "../../../lib/schema";
import { NoParams } from "../auth.schema";
import type { recovery } from "./recovery";
import * as schema from "./recovery.schema";

/** What is done by links in mails. */
export const recoveryActions = (recovering: ReturnType<typeof recovery>): Record<string, ActionSchema> => ({
  forgotPassword: action({
    rest: "POST /auth/password/forgot",
    access: "anyone",
    summary: "Mails a link to choose a new password, where there is such an account; it is good for 30 minutes, once",
    params: schema.Forgot,
    returns: Nothing,
    status: 202,
    async handler({ params, meta }) {
      await recovering.forgot(params.email, meta);
      return null;
    },
  }),

  resetPassword: action({
    rest: "POST /auth/password/reset",
    access: "anyone",
    summary: "Sets a new password by a mailed link's token and ends every session; the address is proven by it",
    params: schema.Reset,
    returns: Nothing,
    status: 204,
    errors: [
      [400, "BAD_TOKEN"],
      [422, "WEAK_PASSWORD"],
    ],
    async handler({ params, meta }) {
      await recovering.reset(params, meta);
      return null;
    },
  }),

  requestVerification: action({
    rest: "POST /auth/email/verification",
    access: "signed-in",
    summary: "Mails a link that proves one's address, unless that is done already; it is good for 24 hours, once",
    params: NoParams,
    returns: Nothing,
    status: 202,
    errors: [
      [409, "NO_EMAIL"],
      [429, "TOO_MANY_ATTEMPTS"],
    ],
    async handler(ctx) {
      await recovering.askForProof(callerOf(ctx).id, ctx.meta);
      return null;
    },
  }),

  verifyEmail: action({
    rest: "POST /auth/email/verify",
    access: "anyone",
    summary: "Proves an address by a mailed link's token",
    params: schema.Verify,
    returns: Nothing,
    status: 204,
    errors: [[400, "BAD_TOKEN"]],
    async handler({ params }) {
      await recovering.prove(params.token);
      return null;
    },
  }),

  mailToken: action({
    params: schema.MailToken,
    returns: schema.MailedToken,
    retryable: true,
    handler: ({ params }) => recovering.mailToken(params),
  }),
});
