import { AuthorizationResponseError, ClientError, ResponseBodyError } from "openid-client";
import { ProviderFailure } from "./providers/provider";

const MAX_CAUSES = 4;
const CODE = /^[A-Za-z0-9_]{1,64}$/;

const codeOf = (value: unknown): string | undefined =>
  typeof value === "string" && CODE.test(value) ? value : undefined;

/** Whether a provider's answer says that whoever was asked there said no. */
export const isDenial = (error: unknown): boolean =>
  error instanceof AuthorizationResponseError && error.error === "access_denied";

/** The library's own texts, which do not quote what was answered; those of parsers and networks do. */
const textOf = (error: Error): string | undefined =>
  error instanceof ClientError || error instanceof ProviderFailure || error.name === "OperationProcessingError"
    ? error.message
    : undefined;

function describe(error: Error): string {
  const told = error instanceof AuthorizationResponseError || error instanceof ResponseBodyError;
  const code = codeOf(told ? error.error : "code" in error && error.code);
  return [code ?? error.name, textOf(error)].filter((part) => part !== undefined).join(": ");
}

/** What went wrong with a provider, and why, as far as may stand in a log: no code, no token, no claim. */
export function causeOf(error: unknown): string {
  const causes: string[] = [];
  for (let at = error; at instanceof Error && causes.length < MAX_CAUSES; at = at.cause) causes.push(describe(at));
  return causes.join(" < ") || "unknown";
}
