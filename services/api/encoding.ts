const encoded = new WeakMap<object, Buffer>();

/**
 * An answer as JSON. One that is frozen will not change: it is encoded once, however often it is sent, which for a page
 * of products is most of the work of a request.
 */
export function encodeAnswer(answer: unknown): string | Buffer {
  if (typeof answer !== "object" || answer === null || !Object.isFrozen(answer)) return JSON.stringify(answer);
  const known = encoded.get(answer);
  if (known) return known;
  const bytes = Buffer.from(JSON.stringify(answer));
  encoded.set(answer, bytes);
  return bytes;
}
