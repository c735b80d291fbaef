/** Where a test may end the process (`CRASH_AT`): before and after the one write that is a change. */
export const configCrashPoints = ["config.change.checked", "config.version.stored"] as const;

export type ConfigCrashPoint = (typeof configCrashPoints)[number];
