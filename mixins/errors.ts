import { Errors } from "moleculer";
import { type ErrorData, ShopError } from "../lib/errors";

interface PlainError {
  name: string;
  message: string;
  code: number;
  type: string;
  data?: ErrorData;
}

/** Makes a {@link ShopError} of another node a ShopError here; Moleculer would hand over a look-alike. */
export class ErrorRegenerator extends Errors.Regenerator {
  override restoreCustomError(plain: PlainError): Error {
    // Moleculer takes undefined for "not mine" although its types want an Error.
    if (plain.name !== "ShopError") return undefined as unknown as Error;
    return new ShopError(plain.code, plain.type, plain.message, plain.data);
  }
}

/** A provider that is away is no failure of the node that says so. */
const OF_PROVIDERS = ["PAYMENT_OUTCOME_UNKNOWN", "PROVIDER_ERROR"];

/** What makes a circuit open: the other side's failure, also one without a code (a plain Error of another node). */
export function countsAsFailure(error: unknown): boolean {
  if (error instanceof ShopError) return error.code >= 500 && !OF_PROVIDERS.includes(error.type);
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code !== "number" || code >= 500;
}

/** Another try, or another node, may fare better. */
export const isTransient = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "retryable" in error && error.retryable === true;

/** What is tried again: a node that is too slow or too busy would only get more to do. */
export const isTriedAgain = (error: unknown): boolean =>
  isTransient(error) && !(error instanceof Errors.RequestTimeoutError) && !(error instanceof Errors.QueueIsFullError);
