import type { ServiceSchema } from "moleculer";

interface Openable {
  open(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a service's collections, indexes included, before it serves, and closes them when it stops. Name it last: of its
 * mixins Moleculer starts the last one first and stops it last.
 */
export function collectionsMixin(...collections: Openable[]): Partial<ServiceSchema> {
  return {
    async started() {
      for (const collection of collections) await collection.open();
    },
    async stopped() {
      for (const collection of collections) await collection.close();
    },
  };
}
