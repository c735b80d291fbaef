/**
 * Ends the process as a power cut would, where a test asked for it: `CRASH_AT` names one point. Without it this is a
 * comparison with undefined.
 */
export function crashPoint(name: string): void {
  if (process.env.CRASH_AT === name && process.env.NODE_ENV !== "production") process.kill(process.pid, "SIGKILL");
}
