import type { Service, ServiceSchema } from "moleculer";
import type { Collection, Document } from "../lib/store/collection";
import { after, now } from "../lib/time";

/** A document with work left: until `due` it belongs to whoever set it, from then on to the first sweeper that takes it. */
export interface Due extends Document {
  /** RFC 3339; absent when nothing is left to do. Needs a sparse index. */
  due?: string;
}

export interface SweeperOptions<T extends Due> {
  collection: Collection<T>;
  /** Goes on with one document. It must finish or move `due`; what it throws is logged and tried again a lease later. */
  handle: (document: T) => Promise<unknown>;
  /** How long a taken document is left alone, in milliseconds. */
  leaseMs: number;
  /** Milliseconds between looks. */
  everyMs?: number;
}

const BATCH = 32;

/**
 * Takes up what a dead or failed node left. `due` is lease and schedule in one: a document is taken by moving its `due`
 * on, conditional on the old value, so that of several nodes one gets it.
 */
export function sweeperMixin<T extends Due>({ collection, handle, leaseMs, everyMs = 500 }: SweeperOptions<T>) {
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let running: Promise<void> = Promise.resolve();

  async function takeUp(service: Service, document: T): Promise<void> {
    const taken = await collection.update({ _id: document._id, due: document.due }, { $set: { due: after(leaseMs) } });
    if (!taken) return;
    try {
      await handle(taken);
    } catch (error) {
      service.logger.warn({ err: error, id: document._id }, `${collection.name}: will be tried again`);
    }
  }

  async function sweep(service: Service): Promise<void> {
    try {
      const left = await collection.find({ due: { $lte: now() } }, { sort: ["due"], limit: BATCH });
      await Promise.all(left.map((document) => takeUp(service, document)));
    } catch (error) {
      service.logger.warn({ err: error }, `${collection.name}: the sweep failed`);
    }
  }

  function schedule(service: Service): void {
    timer = setTimeout(() => {
      running = sweep(service).then(() => {
        if (!stopping) schedule(service);
      });
    }, everyMs);
  }

  return {
    started() {
      stopping = false;
      schedule(this);
    },
    async stopped() {
      stopping = true;
      clearTimeout(timer);
      await running;
    },
  } satisfies Partial<ServiceSchema> & ThisType<Service>;
}
