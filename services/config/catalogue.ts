import type { ServiceBroker } from "moleculer";
import type { ConfigMetadata, KeyView } from "../../lib/config/declaration";
import { SHARED } from "../../lib/config/declaration";
import { sharedConfig } from "../../lib/config/shared";
import { notFound } from "../../lib/errors";
import { nodeOf } from "../../lib/node";
import type { Document, Store } from "../../lib/store/collection";

/** An application that was seen once; it keeps its keys while none of its nodes is there. */
export interface Application extends Document {
  /** JSON of its {@link KeyView}s: their schemas have names that a document's fields may not have. */
  keys: string;
}

interface Listed {
  name: string;
  nodeID: string;
  metadata?: { config?: ConfigMetadata };
}

export const applicationCollection = (store: Store) =>
  store.collection<Application>("config", { name: "applications" });

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/** Which applications there are and which keys they declare, from discovery and from what it said earlier. */
export function catalogueOf(broker: ServiceBroker, collection: ReturnType<typeof applicationCollection>) {
  const shared = nodeOf(broker).config.metadata(sharedConfig);
  const remembered = new Map<string, string>();

  /** Instances of services, in one order, so that of two that differ the same one counts each time. */
  const listed = (): Listed[] =>
    (broker.registry.getServiceList({ onlyAvailable: true, skipInternal: true }) as unknown as Listed[])
      .filter(({ name }) => !name.startsWith("$"))
      .sort((a, b) => (a.nodeID < b.nodeID ? -1 : 1));

  const declared = (instances: Listed[]): KeyView[] => {
    const all = instances.flatMap(({ metadata }) => metadata?.config?.keys ?? []);
    return [...new Map(all.map((one) => [one.name, one])).values()].sort(byName);
  };

  function own(application: string, services: Listed[]): KeyView[] | undefined {
    const instances = services.filter(({ name }) => name === application);
    if (instances.length > 0) return declared(instances);
    const stored = remembered.get(application);
    return stored === undefined ? undefined : (JSON.parse(stored) as KeyView[]);
  }

  const names = (services: Listed[]) => [...new Set([...remembered.keys(), ...services.map(({ name }) => name)])];

  return {
    /** Those that can be set for an application: its own and the shared ones; for what all share, everybody's. */
    keysOf(application: string): KeyView[] {
      const services = listed();
      const others = application === SHARED ? names(services).flatMap((name) => own(name, services) ?? []) : [];
      const mine = application === SHARED ? others : own(application, services);
      if (!mine) throw notFound("APPLICATION_NOT_FOUND", "There is no such application.");
      return [...shared.keys, ...mine].sort(byName);
    },

    /** What the environment of the nodes that host an application gives, secrets masked. */
    environmentOf(application: string): Record<string, unknown> {
      const given = listed()
        .filter(({ name }) => application === SHARED || name === application)
        .map(({ metadata }) => metadata?.config?.environment ?? {});
      return Object.assign({}, shared.environment, ...given.reverse()) as Record<string, unknown>;
    },

    async open(): Promise<void> {
      for (const { _id, keys } of await collection.find({})) remembered.set(_id, keys);
    },

    /** Keeps what discovery says now. */
    async remember(): Promise<void> {
      const services = listed();
      for (const name of new Set(services.map((service) => service.name))) {
        const keys = JSON.stringify(own(name, services));
        if (remembered.get(name) === keys) continue;
        const added = await collection.insertMany([{ _id: name, keys }]);
        if (added === 0) await collection.update({ _id: name }, { $set: { keys } });
        remembered.set(name, keys);
      }
    },
  };
}

export type Catalogue = ReturnType<typeof catalogueOf>;
