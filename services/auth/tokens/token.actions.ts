import type { ActionSchema } from "moleculer";
import { action } from "../../../lib/actions";
import { Nothing } from "../../../lib/schema";
import * as schema from "../auth.schema";
import type { AuthStore } from "../auth.store";
import type { Revoking } from "../sessions/revoking";

const later = (a: string, b: string) => new Date(Math.max(Date.parse(a), Date.parse(b))).toISOString();

/** What others need to judge an access token, and to end those of a user. `oldest`: no token lives from before it. */
export const tokenActions = (
  { keyRing }: AuthStore,
  revoke: Revoking,
  oldest: () => string,
): Record<string, ActionSchema> => ({
  jwks: {
    ...action({
      access: "anyone",
      limit: "none",
      summary: "The public keys of access tokens",
      params: schema.NoParams,
      returns: schema.Jwks,
      retryable: true,
      handler: () => ({ keys: keyRing.publicKeys() }),
    }),
    // Its path is at the origin's root, where `rest` cannot reach; the gateway names it.
    visibility: "published",
  },

  revocations: action({
    params: schema.Since,
    returns: schema.Revocations,
    retryable: true,
    handler: async ({ params }) => ({ items: await revoke.since(later(params.since, oldest())) }),
  }),

  endSessions: action({
    params: schema.EndSessions,
    returns: Nothing,
    retryable: true,
    async handler({ params: { userId, reason } }) {
      await revoke.endUser(userId, reason);
      return null;
    },
  }),

  renewClaims: action({
    params: schema.OfUser,
    returns: Nothing,
    retryable: true,
    async handler({ params }) {
      await revoke.renewClaims(params.userId);
      return null;
    },
  }),

  erase: action({
    params: schema.OfUser,
    returns: Nothing,
    retryable: true,
    async handler({ params }) {
      await revoke.erase(params.userId);
      return null;
    },
  }),
});
