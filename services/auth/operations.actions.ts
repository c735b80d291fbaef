import type { ActionSchema, ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import { invalid } from "../../lib/errors";
import * as schema from "./auth.schema";
import type { AuthStore } from "./auth.store";
import type { Revoking } from "./revoking";

/** What whoever operates the shop asks: `auth.contract.ts` says what each promises. */
export function operationsActions(
  { sessions }: AuthStore,
  revoke: Revoking,
  logger: ServiceBroker["logger"],
): Record<string, ActionSchema> {
  async function end(userId: string | undefined, sid: string | undefined): Promise<number> {
    if (userId !== undefined && sid === undefined) {
      const { length } = await sessions.list(userId);
      await revoke.endUser(userId, "revoked");
      return length;
    }
    if (sid !== undefined) return (await revoke.end(sid, "revoked", userId)) ? 1 : 0;
    throw invalid([{ path: "userId", message: "either this or sid is required" }]);
  }

  return {
    sessionsOf: action({
      params: schema.OfUser,
      returns: schema.SessionsOfUser,
      retryable: true,
      async handler({ params }) {
        const items = (await sessions.list(params.userId)).map(({ _id: id, createdAt, lastUsedAt, userAgent, ip }) => ({
          ...{ id, createdAt, lastUsedAt, userAgent, ip },
        }));
        return { items };
      },
    }),

    revokeSessions: action({
      params: schema.RevokeSessions,
      returns: schema.Revoked,
      async handler({ params: { userId, sid, operator } }) {
        const ended = await end(userId, sid);
        logger.info({ operator, userId, sid, ended }, "sessions were revoked");
        return { ended };
      },
    }),
  };
}
