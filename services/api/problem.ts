import { STATUS_CODES } from "node:http";
import { ShopError } from "../../lib/errors";

/** RFC 9457. `code` is what clients branch on. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  requestId: string;
  errors?: { path: string; message: string }[];
  [member: string]: unknown;
}

const overloaded = (retryAfter: number) =>
  new ShopError(503, "SERVICE_UNAVAILABLE", "A part of the shop cannot answer now. Try again.", { retryAfter });

export const NOT_JSON = new ShopError(415, "UNSUPPORTED_MEDIA_TYPE", "Send JSON as application/json.");

/** Errors of the body's middlewares by type, all that moleculer-web leaves of an error in a middleware. */
const BODY_ERRORS: Record<string, ShopError> = {
  UNSUPPORTED_MEDIA_TYPE: NOT_JSON,
  "entity.parse.failed": new ShopError(400, "MALFORMED_JSON", "The body is not a JSON object."),
  "entity.too.large": new ShopError(413, "BODY_TOO_LARGE", "The body is larger than is accepted here."),
  "encoding.unsupported": new ShopError(415, "UNSUPPORTED_MEDIA_TYPE", "This content encoding is not accepted."),
  "charset.unsupported": new ShopError(415, "UNSUPPORTED_MEDIA_TYPE", "JSON is sent in UTF-8."),
  "request.aborted": new ShopError(400, "REQUEST_ABORTED", "The body did not arrive whole."),
  "request.size.invalid": new ShopError(400, "REQUEST_ABORTED", "The body did not arrive whole."),
};

const MALFORMED_URL = new ShopError(400, "MALFORMED_URL", "The address is not a valid URL.");

/** Errors of Moleculer and moleculer-web by name: no part of them but what is said here reaches a client. */
const BROKER_ERRORS: Record<string, ShopError> = {
  NotFoundError: new ShopError(404, "NOT_FOUND", "There is nothing at this address."),
  RequestTimeoutError: overloaded(5),
  RequestSkippedError: overloaded(5),
  RequestRejectedError: overloaded(5),
  ServiceNotFoundError: overloaded(5),
  ServiceNotAvailableError: overloaded(5),
  ServiceUnavailableError: overloaded(5),
  BrokerDisconnectedError: overloaded(5),
  QueueIsFullError: overloaded(1),
  GracefulStopTimeoutError: overloaded(1),
  BadRequestError: MALFORMED_URL,
  URIError: MALFORMED_URL,
};

const NOT_INFLATED = new ShopError(400, "MALFORMED_BODY", "The body cannot be decompressed.");
const INTERNAL = new ShopError(500, "INTERNAL_ERROR", "Something went wrong on our side.");

/** Anything thrown, as the error that the client may see. What is not known to be safe becomes INTERNAL_ERROR. */
export function toPublicError(error: unknown): ShopError {
  if (error instanceof ShopError) return error;
  if (!(error instanceof Error)) return INTERNAL;
  const bodyType = "type" in error && typeof error.type === "string" ? error.type : "";
  // A compressed body that cannot be inflated: zlib's own error comes through.
  if ("code" in error && typeof error.code === "string" && error.code.startsWith("Z_")) return NOT_INFLATED;
  return BODY_ERRORS[bodyType] ?? BROKER_ERRORS[error.name] ?? INTERNAL;
}

export function toProblem(error: ShopError, requestId: string): Problem {
  const { errors, extra, replayOf } = error.data ?? {};
  return {
    ...extra,
    type: "about:blank",
    title: STATUS_CODES[error.code] ?? "Error",
    status: error.code,
    detail: error.message,
    code: error.type,
    requestId: replayOf ?? requestId,
    ...(errors && errors.length > 0 && { errors }),
  };
}
