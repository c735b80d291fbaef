import { AsyncLocalStorage } from "node:async_hooks";

interface RequestScope {
  requestId: string;
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** Runs `work` so that every log line it causes carries the request's id. */
export const inRequest = <T>(requestId: string, work: () => T): T => scopes.run({ requestId }, work);

export const currentRequest = (): RequestScope | undefined => scopes.getStore();
