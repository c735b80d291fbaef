import type { ActionSchema } from "moleculer";
import { action, callerOf } from "../../../lib/actions";
import { crashPoint } from "../../../lib/crash";
import { forbidden } from "../../../lib/errors";
import { Nothing } from "../../../lib/schema";
import { ChangePassword } from "../auth.schema";
import type { AuthStore } from "../auth.store";
import type { FollowingUp } from "../follow-up";
import { newMail } from "../mails";
import { demandPassword } from "./own-password";
import type { Passwords } from "./passwords";
import { requireStrong } from "./weak-passwords";

interface Parts {
  store: AuthStore;
  passwords: Passwords;
  soon: FollowingUp["soon"];
}

/** What one does with one's own password. */
export const passwordActions = (parts: Parts): Record<string, ActionSchema> => ({
  changePassword: action({
    rest: "POST /auth/password",
    access: "signed-in",
    limit: "credentials",
    summary: "Changes one's password and ends every other session",
    params: ChangePassword,
    returns: Nothing,
    status: 204,
    errors: [
      [403, "WRONG_PASSWORD"],
      [422, "WEAK_PASSWORD"],
      [429, "TOO_MANY_ATTEMPTS"],
    ],
    async handler(ctx) {
      const { store, passwords, soon } = parts;
      const { id, sid } = callerOf(ctx);
      const { currentPassword, newPassword } = ctx.params;
      const { email = "", passwordId } = await demandPassword(parts, id, currentPassword, ctx.meta);
      const { name } = await ctx.call("user.find", { id });
      requireStrong(newPassword, "newPassword", { email, name });
      const hash = await passwords.hash(newPassword);
      const mail = newMail("password.changed", ctx.meta);
      const changed = await store.credentials.replacePassword(id, { passwordId, hash, keep: sid, mail });
      if (!changed) throw forbidden("WRONG_PASSWORD", "The password has just been changed.");
      crashPoint("auth.password-changed");
      await soon(changed);
      return null;
    },
  }),
});
