import type { Nothing, Static } from "../../lib/schema";
import type * as schema from "./notification.schema";

/** A mail about somebody's account, which no preference switches off. */
export type AccountMail = Static<typeof schema.AccountMail>;

declare module "../../lib/actions" {
  interface ActionMap {
    /** A user is erased: their notifications, preferences and waiting mails go, and none are made any more. Idempotent. */
    "notification.erase": Asked<typeof schema.EraseParams, typeof Nothing>;
    /** Queues a mail about an account, once for each id; to the user's address, verified or not. Idempotent. */
    "notification.mail": Asked<typeof schema.AccountMail, typeof Nothing>;
    /** What a user was told of an order, of the notifications that are kept. */
    "notification.ofOrder": Asked<typeof schema.OfOrder, typeof schema.ToldOfOrder>;
    /** The caller's notifications, newest first, as a client asks for them. */
    "notification.list": Asked<typeof schema.ListParams, typeof schema.NotificationPage>;
  }
}
