const forTests = process.env.NODE_ENV !== "production";
const crashAt = forTests ? process.env.CRASH_AT : undefined;
const faults = new Set(forTests ? process.env.FAULT?.split(",") : []);

/**
 * Ends the process as a power cut would, where a test asked for it: `CRASH_AT` names one point, read once. Without it
 * this is a comparison with undefined.
 */
export function crashPoint(name: string): void {
  if (crashAt === name) process.kill(process.pid, "SIGKILL");
}

/** Whether a test asked for a mistake (`FAULT`, read once), to see that its checks find it. */
export const hasFault = (name: "outbox-marks-first"): boolean => faults.has(name);
