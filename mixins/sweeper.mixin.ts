import type { Service, ServiceSchema } from "moleculer";
import { nodeOf } from "../lib/node";
import { inRequest } from "../lib/request-scope";
import type { Collection, Document } from "../lib/store/collection";
import { after, now } from "../lib/time";

/** A document with work left: until `due` it belongs to whoever set it, from then on to the first sweeper that takes it. */
export interface Due extends Document {
  /** RFC 3339; absent when nothing is left to do. Needs a sparse index. */
  due?: string;
  /** The trace of what left it. */
  traceparent?: string;
}

export interface SweeperOptions<T extends Due> {
  collection: Collection<T>;
  /** Goes on with one document. It must finish or move `due`; what it throws is logged and tried again a lease later. */
  handle: (document: T) => Promise<unknown>;
  /** How long a taken document is left alone, in milliseconds. */
  leaseMs: number;
  /** Milliseconds between looks. */
  everyMs?: number;
  /** How many documents a node works on at once. */
  atOnce?: number;
}

const AT_ONCE = 48;
const EVERY_MS = 500;
/** Milliseconds after which what is due counts as left lying; all is counted up to so many. */
const OVERDUE_MS = 60_000;
const COUNTED = 1000;

/** How often to look for what somebody waits for: with short leases, as tests have them, often enough for those. */
export const promptly = (leaseMs: number): number => Math.min(EVERY_MS, leaseMs / 6);

/**
 * Takes up what a dead or failed node left. `due` is lease and schedule in one: a document is taken by moving its `due`
 * on, conditional on the old value, so that of several nodes one gets it. A slow document holds up no other.
 */
export function sweeperMixin<T extends Due>(options: SweeperOptions<T>) {
  const { collection, handle, leaseMs, everyMs = EVERY_MS, atOnce = AT_ONCE } = options;
  const active = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let looking: Promise<void> | undefined;
  let stopMeasuring: (() => void) | undefined;

  async function overdue(): Promise<number> {
    const found = await collection.find(
      { due: { $lte: after(-OVERDUE_MS) } },
      { sort: ["due"], limit: COUNTED, fields: ["_id"] },
    );
    return found.length;
  }

  async function takeUp(service: Service, document: T): Promise<void> {
    try {
      const taken = await collection.update(
        { _id: document._id, due: document.due },
        { $set: { due: after(leaseMs) } },
      );
      if (!taken) return;
      const tags = { collection: collection.name, node: service.broker.nodeID };
      const sweep = () =>
        nodeOf(service.broker).tracer.run({ name: `sweep ${collection.name}`, service: service.name, tags }, () =>
          handle(taken),
        );
      await inRequest({ traceparent: taken.traceparent }, sweep);
    } catch (error) {
      nodeOf(service.broker).metrics.workFailed.inc({ collection: collection.name });
      service.logger.warn({ err: error, id: document._id }, `${collection.name}: will be tried again`);
    }
  }

  /** Starts as many as there is room for. Where more are due, the end of one makes room for the next. */
  async function look(service: Service): Promise<void> {
    const room = atOnce - active.size;
    if (stopping || room <= 0) return;
    const left = await collection.find({ due: { $lte: now() } }, { sort: ["due"], limit: room });
    for (const document of left) {
      const work = takeUp(service, document).finally(() => {
        active.delete(work);
        if (left.length === room) lookOnce(service);
      });
      active.add(work);
    }
  }

  function lookOnce(service: Service): void {
    looking ??= look(service)
      .catch((error: unknown) => service.logger.warn({ err: error }, `${collection.name}: the sweep failed`))
      .finally(() => {
        looking = undefined;
      });
  }

  return {
    started() {
      stopping = false;
      timer = setInterval(() => lookOnce(this), everyMs);
      stopMeasuring = nodeOf(this.broker).metrics.workOverdue.measure({ collection: collection.name }, overdue);
    },
    async stopped() {
      stopping = true;
      clearInterval(timer);
      stopMeasuring?.();
      await looking;
      await Promise.all(active);
    },
  } satisfies Partial<ServiceSchema> & ThisType<Service>;
}
