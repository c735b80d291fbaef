import { setImmediate } from "node:timers/promises";

/** Runs what has the same name one after the other, in the order of asking. */
export function inTurns() {
  const last = new Map<string, Promise<unknown>>();

  /** What failed before is told to whoever asked for it; the embedded store would not let anybody else in between. */
  const after = (before: Promise<unknown>) => before.catch(() => undefined).then(() => setImmediate());

  return async <R>(name: string, work: () => Promise<R>): Promise<R> => {
    const before = last.get(name);
    const mine = before ? after(before).then(work) : work();
    last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (last.get(name) === mine) last.delete(name);
    }
  };
}
