/** Where a test may end the process (`CRASH_AT`): each boundary between two effects of a notification. */
export const notificationCrashPoints = [
  "notification.mail.queued",
  "notification.stored",
  "notification.unread.told",
  "notification.mail.sent",
] as const;

export type NotificationCrashPoint = (typeof notificationCrashPoints)[number];
