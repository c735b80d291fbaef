/** Where a test may end the process (`CRASH_AT`): each boundary between two writes of the chat. */
export const chatCrashPoints = [
  "chat.stored",
  "chat.committed",
  "chat.place-taken",
  "chat.assigned",
  "chat.closed",
] as const;
