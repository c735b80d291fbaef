const crashAt = process.env.NODE_ENV === "production" ? undefined : process.env.CRASH_AT;

/**
 * Ends the process as a power cut would, where a test asked for it: `CRASH_AT` names one point, read once. Without it
 * this is a comparison with undefined.
 */
export function crashPoint(name: string): void {
  if (crashAt === name) process.kill(process.pid, "SIGKILL");
}
