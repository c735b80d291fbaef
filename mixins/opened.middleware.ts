import type { Middleware, Service } from "moleculer";

/** Runs a service's method `opened` once it can be called, before its broker counts as started: there it lets clients in. */
export const openedMiddleware: Middleware = {
  name: "Opened",
  serviceStarted: async (service: Service) => (service as { opened?: () => Promise<void> }).opened?.(),
};
