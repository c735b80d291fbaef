import { AsyncLocalStorage } from "node:async_hooks";

/** Whose doing something is: carried into logs, calls and events, and kept with what is done later. */
export interface RequestScope {
  requestId?: string;
  /** W3C Trace Context. */
  traceparent?: string;
  /** Whose work it is: the service of the span that `traceparent` names. */
  service?: string;
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** Runs `work` so that every log line, call and fact it causes carries these. */
export const inRequest = <T>(scope: RequestScope, work: () => T): T => scopes.run(scope, work);

/** Runs what a request only happens to cause, and what goes on after it. */
export const withoutRequest = <T>(work: () => T): T => scopes.exit(work);

export const currentRequest = (): RequestScope | undefined => scopes.getStore();

/** For a document with work that is done later: the trace that it belongs to, where there is one. */
export function currentTrace(): Pick<RequestScope, "traceparent"> {
  const traceparent = currentRequest()?.traceparent;
  return traceparent === undefined ? {} : { traceparent };
}
