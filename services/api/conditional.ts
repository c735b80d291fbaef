const weak = (tag: string) => tag.trim().replace(/^W\//, "");

/** Whether a client's `If-None-Match` names what would be sent (RFC 9110, weak comparison). */
export function isFresh(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (!ifNoneMatch || !etag) return false;
  return ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => weak(tag) === weak(etag));
}
