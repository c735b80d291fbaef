import type { Nothing } from "../../lib/schema";
import type * as schema from "./notification.schema";

declare module "../../lib/actions" {
  interface ActionMap {
    /** A user is erased: their notifications, preferences and waiting mails go, and none are made any more. Idempotent. */
    "notification.erase": Asked<typeof schema.EraseParams, typeof Nothing>;
    /** The caller's notifications, newest first, as a client asks for them. */
    "notification.list": Asked<typeof schema.ListParams, typeof schema.NotificationPage>;
  }
}
