import type { IncomingMessage } from "node:http";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function parse(origin: string): URL | undefined {
  return URL.canParse(origin) ? new URL(origin) : undefined;
}

export const isLoopback = (origin: string): boolean => LOOPBACK.test(parse(origin)?.hostname ?? "");

/**
 * Whether a page of the request's `Origin` may connect: no CORS protects WebSockets. Without any origins named, only pages
 * of our own host and of this machine may. What is no browser sends none and passes.
 */
export function mayConnect({ headers }: IncomingMessage, corsOrigins: string[]): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  if (corsOrigins.length > 0) return corsOrigins.includes(origin);
  return isLoopback(origin) || (headers.host !== undefined && parse(origin)?.host === headers.host);
}
