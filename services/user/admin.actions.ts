import type { ActionSchema } from "moleculer";
import { action, callerOf, type ShopContext } from "../../lib/actions";
import { decodeCursor, toPage } from "../../lib/cursor";
import { conflict } from "../../lib/errors";
import * as schema from "./user.schema";
import { toView, type UserDocument, type UserStore } from "./user.store";

type FollowUp = (user: UserDocument, ctx: ShopContext) => Promise<void>;

/** What admins do with the accounts of others. */
export const adminActions = (store: UserStore, followUp: FollowUp): Record<string, ActionSchema> => ({
  list: action({
    rest: "GET /users",
    access: ["admin"],
    summary: "Users, the newest first; with `email` the one who has it",
    params: schema.ListUsers,
    returns: schema.Users,
    async handler({ params: { email, limit, cursor } }) {
      const [beforeId] = cursor === undefined ? [] : decodeCursor(cursor, 1).map(String);
      return toPage((await store.list({ email, beforeId, limit })).map(toView), limit, ({ id }) => [id]);
    },
  }),

  get: action({
    rest: "GET /users/:id",
    access: ["admin"],
    summary: "A user",
    params: schema.ById,
    returns: schema.User,
    errors: [[404, "USER_NOT_FOUND"]],
    handler: async ({ params }) => toView(await store.find(params.id)),
  }),

  change: action({
    rest: "PATCH /users/:id",
    access: ["admin"],
    summary: "Gives roles, locks and unlocks; tokens with the old roles and the sessions of the locked end at once",
    params: schema.ChangeUser,
    returns: schema.User,
    errors: [
      [404, "USER_NOT_FOUND"],
      [409, "OWN_ACCOUNT"],
    ],
    async handler(ctx) {
      const { id, roles, status } = ctx.params;
      if (id === callerOf(ctx).id && (status === "locked" || (roles && !roles.includes("admin"))))
        throw conflict("OWN_ACCOUNT", "Another admin has to lock you or take your role away.");
      const user = await store.administer(id, { roles, status });
      await followUp(user, ctx);
      return toView(user);
    },
  }),
});
