import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import type { ServiceBroker } from "moleculer";
import { newId } from "./ids";
import { currentRequest } from "./request-scope";
import type { Static, TSchema } from "./schema";
import { now } from "./time";
import { newTraceparent } from "./trace";

/** A fact in CloudEvents 1.0, as it stands in a topic (JSON, structured mode) and as Moleculer listeners hear it. */
export interface CloudEvent<T extends string = string, D = unknown> {
  specversion: "1.0";
  /** The same for every copy of the event. */
  id: string;
  type: T;
  source: string;
  /** The aggregate's id, which is the message's key. */
  subject: string;
  /** RFC 3339. */
  time: string;
  datacontenttype: "application/json";
  dataschema: string;
  /** The trace of what made the change. */
  traceparent: string;
  data: D;
}

/**
 * Every Moleculer event by name, with what its listeners get. Each context's contract file adds its own; a
 * {@link CloudEvent} here is a fact that stands in a topic, too. All may be lost on the way to a listener, none is lost in
 * a topic.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface EventMap {}

/** Any fact, to be told apart by `type`. */
export type Fact = Extract<EventMap[keyof EventMap], CloudEvent>;

/** Tells every node that listens; it may be lost. */
export const broadcast = <N extends keyof EventMap>(broker: ServiceBroker, name: N, payload: EventMap[N]): void =>
  void broker.broadcast(name, payload);

/** A service's `events`, typed. */
export type Listeners = { [N in keyof EventMap]?: (ctx: { params: EventMap[N] }) => unknown };
export const listeners = (heard: Listeners): Listeners => heard;

/** An event as its aggregate's document keeps it until it is published. */
export interface OutboxEntry {
  id: string;
  type: string;
  time: string;
  traceparent: string;
  data: unknown;
}

export interface EventSource {
  topic: string;
  /** The context, as CloudEvents' `source`. */
  source: string;
}

/** The facts that one context publishes, by type, each with the JSON Schema of its data. */
export interface EventDefinitions<S extends Record<string, TSchema>> extends EventSource {
  schemas: S;
  /** A fact to go into a document with the change that it tells of. Throws where `data` does not fit its schema. */
  entry<T extends keyof S & string>(type: T, data: Static<S[T]>): OutboxEntry;
}

/** An event that no try can make sense of: it goes to the dead letters at once. */
export class UnreadableEvent extends Error {
  override readonly name = "UnreadableEvent";
}

export const ajv = addFormats.default(new Ajv({ allErrors: true }));

export function defineEvents<S extends Record<string, TSchema>>(
  definition: EventSource & { schemas: S },
): EventDefinitions<S> {
  const fits = new Map(Object.entries(definition.schemas).map(([type, schema]) => [type, ajv.compile(schema)]));
  return {
    ...definition,
    entry(type, data) {
      const valid = fits.get(type);
      if (!valid?.(data)) throw new TypeError(`${type} does not fit its schema: ${ajv.errorsText(valid?.errors)}`);
      // What no request caused has no first span, so none of its trace is kept.
      const traceparent = currentRequest()?.traceparent ?? newTraceparent(false);
      return { id: newId(), type, time: now(), traceparent, data };
    },
  };
}

/** The data of an event as its reader needs it, whoever published it. Throws {@link UnreadableEvent}. */
export function readerOf<S extends TSchema>(schema: S): (event: { type: string; data: unknown }) => Static<S> {
  const fits = ajv.compile(schema);
  return ({ type, data }) => {
    if (!fits(data)) throw new UnreadableEvent(`${type}: ${ajv.errorsText(fits.errors, { dataVar: "data" })}`);
    return data as Static<S>;
  };
}

export const schemaAddress = (origin: string, type: string): string => `${origin}/schemas/${type}.json`;

export const toCloudEvent = (
  { id, type, time, traceparent, data }: OutboxEntry,
  subject: string,
  { source, origin }: { source: string; origin: string },
): CloudEvent => ({
  specversion: "1.0",
  id,
  type,
  source,
  subject,
  time,
  datacontenttype: "application/json",
  dataschema: schemaAddress(origin, type),
  traceparent,
  data,
});
