/** Now, as RFC 3339 in UTC with milliseconds; such strings sort by time. */
export const now = (): string => new Date().toISOString();

/** `ms` milliseconds after `from` (default: now), as RFC 3339. */
export const after = (ms: number, from: string | number = Date.now()): string =>
  new Date(new Date(from).getTime() + ms).toISOString();

export const isPast = (at: string): boolean => at <= now();

/** What `work` resolves with; rejects where that takes longer than `ms` milliseconds. */
export async function within<T>(ms: number, work: () => Promise<T> | T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
