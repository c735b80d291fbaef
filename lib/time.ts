/** Now, as RFC 3339 in UTC with milliseconds; such strings sort by time. */
export const now = (): string => new Date().toISOString();

/** `ms` milliseconds after `from` (default: now), as RFC 3339. */
export const after = (ms: number, from: string | number = Date.now()): string =>
  new Date(new Date(from).getTime() + ms).toISOString();

export const isPast = (at: string): boolean => at <= now();
