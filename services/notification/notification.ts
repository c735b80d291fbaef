import { createHash } from "node:crypto";
import { firstIdAt } from "../../lib/ids";
import type { NotificationView } from "./notification.schema";

/** What a user is told, as it stands in their inbox. */
export type Notification = NotificationView;
export type NotificationType = Notification["type"];
/** What somebody may want no mail of. */
export type MailKind = "order" | "chat";

export const kindOf = (type: NotificationType): MailKind => (type === "chat.unread" ? "chat" : "order");

/** The page of an order, below the shop's web address. */
export const orderLink = (orderId: string): string => `/orders/${encodeURIComponent(orderId)}`;

/** Newest notifications of a user that are kept, and for how long. */
export const KEEP = 500;
export const KEEP_MS = 90 * 24 * 3600 * 1000;

/**
 * The id of what `causes` (an event's id, a user's) have made at a time, RFC 3339: always the same one, so that it is
 * made once, in the form of a UUIDv7, so that ids sort by time. Throws where that is no time.
 */
export function notificationId(at: string, ...causes: string[]): string {
  const time = new Date(at).getTime();
  if (Number.isNaN(time)) throw new TypeError(`is not a time: ${at}`);
  const hash = createHash("sha256").update(JSON.stringify(causes)).digest("hex");
  return `${firstIdAt(time)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${hash.slice(6, 18)}`;
}

/** Ids of what is too old to be kept are below this. */
export const oldestKept = (): string => firstIdAt(Date.now() - KEEP_MS);
