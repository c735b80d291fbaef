import { invalid } from "../../../lib/errors";

const MAX_LENGTH = 1024;
/** What a page is told in its address; what stood there under these names does not. */
const TOLD = ["code", "error", "linked"] as const;
export type Told = Partial<Record<(typeof TOLD)[number], string>>;

/** Control characters, which a URL's parser takes out, and backslashes, which it takes for slashes. */
const isTreacherous = (text: string): boolean => /[\p{Cc}\\]/u.test(text);

/**
 * A path of our own pages, with query and fragment, exactly as a browser will read it; `/` where none is given. Throws
 * 422 VALIDATION for whatever may lead elsewhere.
 */
export function requirePath(path: string | undefined, webUrl: string): string {
  const given = path ?? "/";
  const refused = () => invalid([{ path: "redirect", message: "must be a path of this site, such as /orders" }]);
  if (given.length > MAX_LENGTH || !given.startsWith("/") || isTreacherous(given)) throw refused();
  if (!URL.canParse(given, webUrl)) throw refused();
  const { origin, pathname, search, hash } = new URL(given, webUrl);
  if (origin !== new URL(webUrl).origin || pathname.includes("//") || given.split(/[?#]/, 1)[0]?.includes("//"))
    throw refused();
  return `${pathname}${search}${hash}`;
}

/** The address of a page of ours that is told something. */
export function pageUrl(webUrl: string, path: string, told: Told): string {
  const url = new URL(path, webUrl);
  for (const name of TOLD) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(told)) url.searchParams.set(name, value);
  return url.href;
}
