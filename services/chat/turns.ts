/** Runs what has the same name one after the other, in the order of asking. */
export function inTurns() {
  const last = new Map<string, Promise<unknown>>();
  return async <R>(name: string, work: () => Promise<R>): Promise<R> => {
    const before = last.get(name) ?? Promise.resolve();
    // What failed before is told to whoever asked for it.
    const mine = before.catch(() => undefined).then(work);
    last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (last.get(name) === mine) last.delete(name);
    }
  };
}
