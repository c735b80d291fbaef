import type { Call } from "../../lib/actions";
import { crashPoint } from "../../lib/crash";
import type { UserDocument, UserStore } from "./user.store";

/** Milliseconds that another context may take while the caller of `DELETE /users/me` waits. */
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
  else if (tasks.endSessions) await asking.call("auth.endSessions", { userId: user._id, reason: "locked" });
  else if (tasks.renewClaims) await asking.call("auth.renewClaims", { userId: user._id });
  await store.followed(user);
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
