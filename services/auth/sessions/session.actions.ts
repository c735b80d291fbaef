import type { ActionSchema } from "moleculer";
import { action, callerOf } from "../../../lib/actions";
import { notFound } from "../../../lib/errors";
import { Nothing } from "../../../lib/schema";
import * as schema from "../auth.schema";
import type { AuthStore } from "../auth.store";
import { badRefreshToken } from "../sign-in";
import type { Revoking } from "./revoking";
import { toView } from "./sessions";

/** What one does with one's own sessions. */
export const sessionActions = (
  { sessions, refreshTokens }: AuthStore,
  revoke: Revoking,
): Record<string, ActionSchema> => ({
  logout: action({
    rest: "POST /auth/logout",
    access: "signed-in",
    enrolling: true,
    summary: "Ends the session that a refresh token belongs to",
    params: schema.WithRefreshToken,
    returns: Nothing,
    status: 204,
    errors: [[401, "BAD_REFRESH_TOKEN"]],
    async handler(ctx) {
      const { id } = callerOf(ctx);
      const token = refreshTokens.read(ctx.params.refreshToken);
      if (!token) throw badRefreshToken();
      await revoke.end(token.sid, "logout", id);
      return null;
    },
  }),

  sessions: action({
    rest: "GET /auth/sessions",
    access: "signed-in",
    summary: "Where one is signed in, the last used first",
    params: schema.NoParams,
    returns: schema.Sessions,
    async handler(ctx) {
      const { id, sid } = callerOf(ctx);
      const items = (await sessions.list(id)).map(toView);
      return { items: items.map((session) => ({ ...session, current: session.id === sid })) };
    },
  }),

  endAllSessions: action({
    rest: "DELETE /auth/sessions",
    access: "signed-in",
    summary: "Ends all of one's own sessions, this one too",
    params: schema.NoParams,
    returns: Nothing,
    status: 204,
    async handler(ctx) {
      await revoke.endUser(callerOf(ctx).id, "revoked");
      return null;
    },
  }),

  endSession: action({
    rest: "DELETE /auth/sessions/:id",
    access: "signed-in",
    summary: "Ends one of one's own sessions",
    params: schema.ById,
    returns: Nothing,
    status: 204,
    errors: [[404, "SESSION_NOT_FOUND"]],
    async handler(ctx) {
      const ended = await revoke.end(ctx.params.id, "revoked", callerOf(ctx).id);
      if (!ended) throw notFound("SESSION_NOT_FOUND", "There is no such session.");
      return null;
    },
  }),
});
