import type { ActionSchema, ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { invalid } from "../../lib/errors";
import { now } from "../../lib/time";
import * as schema from "./auth.schema";
import type { AuthStore } from "./auth.store";
import type { FollowingUp } from "./follow-up";
import { Reset, WasReset } from "./second-factor/second-factor.schema";
import type { Revoking } from "./sessions/revoking";
import { toView } from "./sessions/sessions";

interface Parts {
  store: AuthStore;
  revoke: Revoking;
  soon: FollowingUp["soon"];
  logger: ServiceBroker["logger"];
}

/** What whoever operates the shop asks: `auth.contract.ts` says what each promises. */
export function operationsActions({ store, revoke, soon, logger }: Parts): Record<string, ActionSchema> {
  const { sessions, secondFactors } = store;

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
        return { items: (await sessions.list(params.userId)).map(toView) };
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

    resetSecondFactor: action({
      params: Reset,
      returns: WasReset,
      async handler({ params: { userId, operator, reason } }) {
        const ending = { until: now(), reason: "revoked" };
        const reset = await secondFactors.disable({ _id: userId }, {}, { $set: { ending } });
        logger.info({ operator, userId, reason, removed: reset !== null }, "a second factor was taken away");
        crashPoint("auth.second-factor-reset");
        if (reset) await soon(reset);
        return { removed: reset !== null };
      },
    }),
  };
}
