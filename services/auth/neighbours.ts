import type { Call, Meta } from "../../lib/actions";
import { hasType } from "../../lib/errors";
import type { AccountMail } from "../notification/notification.contract";
import type { UserView } from "../user/user.contract";

/** Milliseconds that `notification` may take to put a mail into its queue. */
const HAND_OVER_MS = 2000;

/** A way to ask other contexts; Moleculer's contexts want their `call` as a method. */
export interface Neighbours {
  call: Call;
}

/** From where somebody asks, as sessions and mails show it to them. */
export type Client = Pick<Meta, "clientIp" | "userAgent" | "acceptLanguage">;

/** Who is asking, and from where. */
export interface Asking extends Neighbours {
  meta: Client;
}

/** The user of an id; null for one who is erased or never came to be. */
export async function findUser(asking: Neighbours, id: string): Promise<UserView | null> {
  try {
    return await asking.call("user.find", { id });
  } catch (error) {
    if (hasType(error, "USER_NOT_FOUND")) return null;
    throw error;
  }
}

export async function handOver(asking: Neighbours, mail: AccountMail): Promise<void> {
  await asking.call("notification.mail", mail, { timeout: HAND_OVER_MS });
}
