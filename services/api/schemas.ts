import { createHash } from "node:crypto";
import type { ServiceBroker } from "moleculer";
import { action } from "../../lib/actions";
import { notFound } from "../../lib/errors";
import { schemaDocument } from "../../lib/event-schemas";
import { Strict, Type } from "../../lib/schema";
import { eventSchema } from "./discovery";

const etagOf = (document: object) => `"${createHash("sha256").update(JSON.stringify(document)).digest("base64url")}"`;

/** Answers an event's `dataschema`, for every type that a service publishes. */
export const schemaAction = (broker: ServiceBroker, origin: string) => ({
  ...action({
    rest: "GET /schemas/:type.json",
    access: "anyone",
    limit: "none",
    conditional: true,
    summary: "The JSON Schema of the `data` of events of a type; also at the origin's root, as `dataschema` names it",
    params: Strict({ type: Type.String({ description: "such as `order.paid`" }) }),
    returns: Type.Unsafe<object>({ type: "object" }),
    errors: [[404, "SCHEMA_NOT_FOUND"]],
    handler(ctx) {
      const { type } = ctx.params;
      const schema = eventSchema(broker, type);
      if (!schema) throw notFound("SCHEMA_NOT_FOUND", "No event of this type is published here.");
      const document = schemaDocument(type, schema, origin);
      ctx.meta.$responseHeaders = { ETag: etagOf(document), "Cache-Control": "public, max-age=300" };
      return document;
    },
  }),
  responseType: "application/schema+json",
});
