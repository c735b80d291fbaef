import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020";
import addFormats from "ajv-formats";
import { CloudEvent, HTTP } from "cloudevents";
import { incompatibilities, incompatibleTypes, type JsonSchema } from "../../lib/event-compatibility";
import { declaredDocuments, declaredEvents, publishedDocuments, schemaDocument } from "../../lib/event-schemas";
import { defineEvents, toCloudEvent } from "../../lib/events";
import { inRequest } from "../../lib/request-scope";
import { OneOf, Strict, Type } from "../../lib/schema";
import { isSampled, isTraceparent, newTraceparent } from "../../lib/trace";

const DIRECTORY = join(__dirname, "../../docs/events");
const published = publishedDocuments(DIRECTORY);

describe("what is published in docs/events", () => {
  it("can be read by whoever reads what the code declares now, and the other way round", () => {
    expect(incompatibleTypes(published, declaredDocuments())).toEqual([]);
  });

  it("is what the code declares: npm run schemas writes it anew", () => {
    expect(Object.fromEntries(published)).toEqual(Object.fromEntries(declaredDocuments()));
  });

  it.each([...published])("is a JSON Schema with a name and a description: %s", (type, schema) => {
    const ajv = addFormats.default(new Ajv2020({ strict: true }));
    expect(() => ajv.compile(schema)).not.toThrow();
    expect(schema).toMatchObject({ $id: `/schemas/${type}.json`, title: type, description: expect.any(String) });
    expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
  });

  it("has a line in the README for each topic, with its types", () => {
    const lines = readFileSync(join(DIRECTORY, "README.md"), "utf8").split("\n");
    for (const { topic, schemas } of declaredEvents()) {
      const line = lines.find((candidate) => candidate.startsWith(`| \`${topic}\` |`));
      for (const type of Object.keys(schemas)) expect(line).toContain(`[${type}](${type}.json)`);
    }
  });

  it("has every type in one topic only", () => {
    const types = declaredEvents().flatMap(({ schemas }) => Object.keys(schemas));
    expect(new Set(types).size).toBe(types.length);
  });
});

describe("a change of a published schema", () => {
  const before = schemaDocument(
    "thing.made",
    Type.Object(
      {
        id: Type.String({ minLength: 1, pattern: "^[a-z]+$" }),
        at: Type.String({ format: "date-time" }),
        kind: OneOf("big", "small"),
        lines: Type.Array(Type.Object({ count: Type.Integer({ minimum: 1 }), note: Type.Optional(Type.String()) })),
        either: Type.Union([Type.String(), Type.Object({ code: Type.String() })]),
      },
      { description: "It was made." },
    ),
  );
  const changed = (change: (copy: ReturnType<typeof editable>) => void): JsonSchema => {
    const copy = editable();
    change(copy);
    return copy;
  };
  /** Loosely typed, since it is what somebody may do to a file. */
  function editable() {
    type Node = Record<string, unknown> & {
      required: string[];
      properties: Record<string, Node>;
      items: Node;
      anyOf: Node[];
    };
    return structuredClone(before) as unknown as Node & {
      properties: Record<"id" | "at" | "kind" | "lines" | "either", Node>;
    };
  }
  const line = (copy: ReturnType<typeof editable>) => copy.properties.lines.items;

  const compatible: [string, JsonSchema][] = [
    ["nothing", before],
    ["texts for people", changed((copy) => Object.assign(copy, { description: "Made.", title: "Thing", $id: "/x" }))],
    ["an optional property", changed((copy) => Object.assign(copy.properties, { more: { type: "string" } }))],
    ["one within a list", changed((copy) => Object.assign(line(copy).properties, { more: { type: "string" } }))],
    [
      "one within a choice",
      changed((copy) => Object.assign(copy.properties.either.anyOf[1]?.properties ?? {}, { x: {} })),
    ],
    ["the order of names", changed((copy) => copy.required.reverse() && (copy.properties.kind.enum as []).reverse())],
  ];
  it.each(compatible)("is compatible: %s", (_, next) => expect(incompatibilities(before, next)).toEqual([]));

  const incompatible: [string, JsonSchema][] = [
    ["id was taken away", changed((copy) => Reflect.deleteProperty(copy.properties, "id"))],
    ["lines[].note was taken away", changed((copy) => Reflect.deleteProperty(line(copy).properties, "note"))],
    [
      "more is required now, older events may lack it",
      changed((copy) => Object.assign(copy.properties, { more: {} }) && copy.required.push("more")),
    ],
    ["lines[].note is required now, older events may lack it", changed((copy) => line(copy).required.push("note"))],
    ["either is required no more, readers count on it", changed((copy) => copy.required.pop())],
    [
      'id: type was "string" and is "integer"',
      changed((copy) => Object.assign(copy.properties.id, { type: "integer" })),
    ],
    [
      'lines[].count: type was "integer" and is "number"',
      changed((copy) => Object.assign(line(copy).properties.count ?? {}, { type: "number" })),
    ],
    [
      'kind: enum was ["big","small"] and is ["big","small","tiny"]',
      changed((copy) => (copy.properties.kind.enum as string[]).push("tiny")),
    ],
    ['kind: enum was ["big","small"] and is ["big"]', changed((copy) => (copy.properties.kind.enum as string[]).pop())],
    [
      'at: format was "date-time" and is "date"',
      changed((copy) => Object.assign(copy.properties.at, { format: "date" })),
    ],
    [
      'at: format was "date-time" and is nothing',
      changed((copy) => Reflect.deleteProperty(copy.properties.at, "format")),
    ],
    ['id: pattern was "^[a-z]+$" and is ".*"', changed((copy) => Object.assign(copy.properties.id, { pattern: ".*" }))],
    ["id: minLength was 1 and is 2", changed((copy) => Object.assign(copy.properties.id, { minLength: 2 }))],
    ["id: maxLength was nothing and is 9", changed((copy) => Object.assign(copy.properties.id, { maxLength: 9 }))],
    [
      "data: additionalProperties was nothing and is false",
      changed((copy) => Object.assign(copy, { additionalProperties: false })),
    ],
    ["either: anyOf had 2 choices and has 3", changed((copy) => copy.properties.either.anyOf.push({} as never))],
    [
      'either.code: type was "string" and is "null"',
      changed((copy) => Object.assign(copy.properties.either.anyOf[1]?.properties.code ?? {}, { type: "null" })),
    ],
  ];
  it.each(incompatible)("is incompatible: %s", (finding, next) => {
    expect(incompatibilities(before, next)).toEqual([finding]);
  });

  it("is incompatible where a closed object gets a property, or a type goes away", () => {
    const closed = { type: "object", properties: {}, additionalProperties: false };
    expect(incompatibilities(closed, { ...closed, properties: { x: {} } })).toEqual([
      "x is new where readers were told of no other property",
    ]);
    const types = new Map([["thing.made", before]]);
    expect(incompatibleTypes(types, new Map())).toEqual(["thing.made was taken away"]);
    expect(incompatibleTypes(new Map(), types)).toEqual([]);
  });
});

describe("a fact", () => {
  const events = defineEvents({
    topic: "thing-event",
    source: "/thing",
    schemas: { "thing.made": Strict({ id: Type.String(), at: Type.String({ format: "date-time" }) }) },
  });
  const data = { id: "t1", at: "2026-01-01T00:00:00.000Z" };

  it("is refused where its data does not fit its schema", () => {
    expect(() => events.entry("thing.made", { ...data, at: "yesterday" })).toThrow(/thing\.made .*date-time/);
    expect(() => events.entry("thing.made", { id: "t1" } as never)).toThrow(/required property 'at'/);
    expect(() => events.entry("thing.made", { ...data, email: "a@example.com" } as never)).toThrow(/additional/);
    expect(() => events.entry("thing.lost" as never, data as never)).toThrow(/thing\.lost/);
  });

  it("that no request caused has a trace of its own, of which no span is kept", () => {
    const { traceparent } = events.entry("thing.made", data);
    expect(isTraceparent(traceparent)).toBe(true);
    expect(isSampled(traceparent)).toBe(false);
  });

  it("is a CloudEvent to the official SDK, with the trace of what made the change", () => {
    const traceparent = newTraceparent();
    const entry = inRequest({ traceparent }, () => events.entry("thing.made", data));
    const json = JSON.stringify(toCloudEvent(entry, "t1", { source: "/thing", origin: "https://shop.example" }));
    const expected = {
      specversion: "1.0",
      id: entry.id,
      type: "thing.made",
      source: "/thing",
      subject: "t1",
      time: entry.time,
      datacontenttype: "application/json",
      dataschema: "https://shop.example/schemas/thing.made.json",
      traceparent,
      data,
    };
    // Strict: it throws where an attribute is missing or no attribute of its kind.
    const event = new CloudEvent(JSON.parse(json), true);
    expect(event.validate()).toBe(true);
    expect(event.toJSON()).toEqual(expected);
    const received = HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body: json });
    expect(received).toMatchObject(expected);
  });
});
