import type { ServiceBroker } from "moleculer";
import type { DeclaredAction } from "../../mixins/middleware";

/** The published actions of every service that discovery knows, each once. */
export function published(broker: ServiceBroker): DeclaredAction[] {
  const actions = broker.registry.getActionList({ onlyAvailable: true, skipInternal: true }) as {
    action?: DeclaredAction;
  }[];
  return actions
    .flatMap(({ action }) => action ?? [])
    .filter((action) => action.visibility === "published" && action.rest !== undefined);
}

/** The schema of the data of a type of events, as the service that publishes them declares it. */
export function eventSchema(broker: ServiceBroker, type: string): object | undefined {
  const services = broker.registry.getServiceList({ onlyAvailable: true, skipInternal: true }) as {
    metadata?: { events?: Record<string, object> };
  }[];
  return services
    .flatMap(({ metadata }) => Object.entries(metadata?.events ?? {}))
    .find(([name]) => name === type)?.[1];
}

/** Throws while a published action has no route yet: the gateway makes them a moment after a service appears. */
export function routesAreThere(broker: ServiceBroker, aliases: { action?: string }[]): void {
  const routed = new Set(aliases.map((alias) => alias.action));
  const missing = published(broker).filter(({ name }) => !routed.has(name));
  if (missing.length > 0) throw new Error(`no route yet for ${missing.map(({ name }) => name).join(", ")}`);
}
