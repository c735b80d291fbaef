import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { type EventSource, toCloudEvent } from "../lib/events";
import { Lease, type LeaseRecord } from "../lib/lease";
import { nodeOf } from "../lib/node";
import { type OutboxDocument, Relay } from "../lib/outbox";
import type { OpenableCollection } from "../lib/store/collection";
import { collectionsMixin } from "./collections.mixin";

/** Milliseconds after which another node publishes for one that is frozen or dead. */
const LEASE_MS = 3000;
/** Milliseconds between looks for what nobody was woken for. */
const LOOK_EVERY_MS = 250;

export interface Outbox {
  mixin: Partial<ServiceSchema>;
  /** To be called after a write that put something into an outbox. */
  wake: () => void;
}

/**
 * Publishes what a service's documents have in their outbox: the event is a part of the write that changes the document,
 * so none is lost and none is made up. One node at a time publishes for a service, in order per document.
 */
export function outboxOf<T extends OutboxDocument>(
  broker: ServiceBroker,
  options: {
    service: string;
    collection: OpenableCollection<T>;
    events: EventSource;
  },
): Outbox {
  const { environment, store, topics, metrics } = nodeOf(broker);
  const { service, collection, events } = options;
  const { topic, source } = events;
  const hint = `${service}.outbox.waiting`;
  const leases = store.collection<LeaseRecord>(service, { name: "leases" });
  const relay = new Relay({
    collection,
    lease: new Lease(leases, `outbox of ${collection.name}`, LEASE_MS),
    logger: broker.getLogger(service),
    async publish(batch) {
      const published = batch.flatMap(({ _id, outbox = [] }) =>
        outbox.map((entry) => toCloudEvent(entry, _id, { source, origin: environment.webUrl })),
      );
      if (published.length === 0) return;
      await topics.publish(
        topic,
        published.map((event) => ({
          key: event.subject,
          value: JSON.stringify(event),
          headers: { "content-type": "application/cloudevents+json", traceparent: event.traceparent },
        })),
      );
      metrics.outboxPublished.inc({ topic }, published.length);
      // The bridge: who reacts to what may be lost needs no consumer of the topic.
      for (const event of published) void broker.broadcast(event.type, event);
    },
    failed: () => metrics.outboxFailures.inc({ topic }),
    // It would see what waits at its next look, and sees it sooner when it is told.
    elsewhere: () => void broker.broadcast(hint, {}, { groups: [service] }),
  });
  let timer: NodeJS.Timeout | undefined;
  const measures: (() => void)[] = [];

  return {
    wake: () => relay.wake(),
    mixin: {
      mixins: [collectionsMixin(leases)],
      events: { [hint]: () => relay.look() },
      async started(this: Service) {
        await relay.start();
        timer = setInterval(() => relay.look(), LOOK_EVERY_MS);
        measures.push(
          metrics.outboxWaiting.measure({ topic }, () => relay.waiting()),
          metrics.outboxOldest.measure({ topic }, () => relay.oldest()),
        );
      },
      async stopped() {
        clearInterval(timer);
        for (const end of measures.splice(0)) end();
        await relay.stop();
      },
    },
  };
}
