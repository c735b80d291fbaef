import type { Nothing } from "../../lib/schema";
import type * as schema from "./notification.schema";

declare module "../../lib/actions" {
  interface ActionMap {
    /** A user is erased: their notifications, preferences and waiting mails go, and none are made any more. Idempotent. */
    "notification.erase": Asked<typeof schema.EraseParams, typeof Nothing>;
    /** What a user was told of an order, of the notifications that are kept. */
    "notification.ofOrder": Asked<typeof schema.OfOrder, typeof schema.ToldOfOrder>;
    /** The caller's notifications, newest first, as a client asks for them. */
    "notification.list": Asked<typeof schema.ListParams, typeof schema.NotificationPage>;
  }
}
