import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import { type EventSource, toCloudEvent } from "../lib/events";
import { Lease, type LeaseRecord } from "../lib/lease";
import { nodeOf } from "../lib/node";
import { type OutboxDocument, Relay } from "../lib/outbox";
import type { OpenableCollection } from "../lib/store/collection";
import { publishing } from "../lib/tracing/publishing";
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
    /** Whether each fact is broadcast to Moleculer listeners, too, once it is published: on every node, as it is. */
    bridge?: boolean;
  },
): Outbox {
  const { environment, store, topics, metrics, tracer } = nodeOf(broker);
  const { service, collection, events, bridge = true } = options;
  const { topic, source } = events;
  const hint = `${collection.name}.outbox.waiting`;
  const labels = { topic, collection: collection.name };
  const remote = environment.kafkaBrokers.length > 0 ? "kafka" : "event-log";
  const leases = store.collection<LeaseRecord>(service, { name: `${collection.name}_lease` });
  const relay = new Relay({
    collection,
    lease: new Lease(leases, "outbox", LEASE_MS),
    logger: broker.getLogger(service),
    async publish(batch, signal) {
      const { sent, told } = publishing(tracer, { topic, service, remote, node: broker.nodeID });
      const published = batch.flatMap(({ _id, outbox = [] }) =>
        outbox.map((entry) => toCloudEvent(sent(entry), _id, { source, origin: environment.webUrl })),
      );
      if (published.length === 0) return;
      const messages = published.map((event) => ({
        key: event.subject,
        value: JSON.stringify(event),
        headers: { "content-type": "application/cloudevents+json", traceparent: event.traceparent },
      }));
      await topics.publish(topic, messages, signal);
      told();
      metrics.outboxPublished.inc(labels, published.length);
      // The bridge: who reacts to what may be lost needs no consumer of the topic.
      if (bridge) for (const event of published) void broker.broadcast(event.type, event);
    },
    failed: () => metrics.outboxFailures.inc(labels),
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
          metrics.outboxWaiting.measure(labels, () => relay.waiting()),
          metrics.outboxOldest.measure(labels, () => relay.oldest()),
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
