import type { OutboxEntry } from "../events";
import type { Span } from "./span";
import type { Tracer } from "./tracer";

interface Publishing {
  topic: string;
  service: string;
  /** What the topic is in. */
  remote: string;
  node: string;
}

/** The last 64 bits of an event's id, which is a UUIDv7: as good as any at random, and the same whenever it is sent again. */
const spanIdFor = (eventId: string): string => eventId.replaceAll("-", "").slice(-16);

/**
 * PRODUCER spans of one batch: each event names its own as the parent of what consumers do. They are told of once the batch
 * is in the topic; a batch that goes out again has the same bytes and the same spans.
 */
export function publishing(tracer: Tracer, { topic, service, remote, node }: Publishing) {
  const spans: Span[] = [];
  return {
    sent(entry: OutboxEntry): OutboxEntry {
      const { id, type, traceparent } = entry;
      const tags = { topic, "event.type": type, node };
      const name = `publish ${topic}`;
      const span = tracer.child({ name, service, kind: "PRODUCER", remote, tags }, traceparent, spanIdFor(id));
      if (!span) return entry;
      spans.push(span);
      return { ...entry, traceparent: span.traceparent };
    },

    told(): void {
      for (const span of spans) span.end();
    },
  };
}
