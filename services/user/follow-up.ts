import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import { type FollowUp, mayHelp, type UserDocument, type UserStore } from "./user.store";

/** Milliseconds that another context may take while the caller of `DELETE /users/me` or `PATCH /users/:id` waits. */
const OTHERS_TIMEOUT_MS = 2000;

/** A way to ask other contexts; Moleculer's contexts want their `call` as a method. */
interface Neighbours {
  call: Call;
}

/**
 * Does what a change of a user makes necessary elsewhere. Each part is idempotent: whoever finds it undone does all of
 * it again. Rejects when a part could not be done; the sweeper comes back to it.
 */
export async function followUp(user: UserDocument, asking: Neighbours, store: UserStore): Promise<void> {
  const tasks = user.followUp;
  if (!tasks) return;
  crashPoint("user.follow-up");
  if (tasks.erase) await erase(user._id, asking);
  else await changeStanding(user, tasks, asking, store);
  await store.followed(user);
}

/** Sessions first: nobody stays signed in because chat is away, nor is signed out again each time it is asked. */
async function changeStanding(
  user: UserDocument,
  tasks: FollowUp,
  asking: Neighbours,
  store: UserStore,
): Promise<void> {
  const { _id: userId, status, roles } = user;
  if (tasks.endSessions) await asking.call("auth.endSessions", { userId, reason: "locked" });
  else if (tasks.renewClaims) await asking.call("auth.renewClaims", { userId });
  if (!tasks.retire) return;
  await store.followed(user, "endSessions", "renewClaims");
  // Meanwhile they may help again.
  if (status === "locked" || !mayHelp(roles))
    await asking.call("chat.retire", { userId }, { timeout: OTHERS_TIMEOUT_MS });
}

async function erase(userId: string, asking: Neighbours): Promise<void> {
  await asking.call("auth.erase", { userId });
  crashPoint("user.credentials-erased");
  const options = { timeout: OTHERS_TIMEOUT_MS };
  await Promise.all([
    asking.call("order.anonymise", { customerId: userId }, options),
    asking.call("chat.erase", { userId }, options),
    asking.call("notification.erase", { userId }, options),
  ]);
}
