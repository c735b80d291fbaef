/** One field that was not accepted; `path` is dotted (`items.0.quantity`), empty for the whole input. */
export interface FieldError {
  path: string;
  message: string;
  [extra: string]: unknown;
}

export interface ErrorData {
  errors?: FieldError[];
  /** Seconds, for `Retry-After`. */
  retryAfter?: number;
  /** Members that the problem document carries beside the standard ones. */
  extra?: Record<string, unknown>;
  /** This is the answer that was kept for an `Idempotency-Key`; the id of the request that got it first. */
  replayOf?: string;
}

/**
 * What a service tells its caller went wrong: an HTTP status, a stable code in SCREAMING_SNAKE (`type`, as Moleculer
 * carries it over the network) and a message that is safe to show. Branch on `type`, never on the message.
 */
export class ShopError extends Error {
  override readonly name = "ShopError";
  readonly retryable = false;
  constructor(
    readonly code: number,
    readonly type: string,
    message: string,
    readonly data: ErrorData = {},
  ) {
    super(message);
  }
}

export const notFound = (type: string, message: string) => new ShopError(404, type, message);
export const conflict = (type: string, message: string, data?: ErrorData) => new ShopError(409, type, message, data);
export const forbidden = (type: string, message: string) => new ShopError(403, type, message);
export const unauthorized = (type: string, message: string, data?: ErrorData) =>
  new ShopError(401, type, message, data);
export const unprocessable = (type: string, message: string, errors?: FieldError[]) =>
  new ShopError(422, type, message, { errors });
/** Input that does not fit, each field named: 422 VALIDATION. */
export const invalid = (errors: FieldError[]) => unprocessable("VALIDATION", "The request is not valid.", errors);
export const tooMany = (type: string, message: string, retryAfter: number) =>
  new ShopError(429, type, message, { retryAfter });
export const unavailable = (type: string, message: string, retryAfter = 5) =>
  new ShopError(503, type, message, { retryAfter });

/** The stable code of anything thrown, also of an error that crossed the network; undefined where it has none. */
export function errorType(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("type" in error)) return undefined;
  return typeof error.type === "string" ? error.type : undefined;
}

export const hasType = (error: unknown, ...types: string[]) => types.includes(errorType(error) ?? "");
