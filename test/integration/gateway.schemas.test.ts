import { join } from "node:path";
import { publishedDocuments } from "../../lib/event-schemas";
import { orderEvents } from "../../services/order/order.events";
import { get, node, problem, startGateway } from "./gateway.parts";
import { eventually } from "./node";

const ORIGIN = "https://shop.example";
const published = publishedDocuments(join(__dirname, "../../docs/events"));

beforeAll(async () => {
  await startGateway({ WEB_URL: ORIGIN });
  node.broker.createService({ name: "facts", metadata: { events: orderEvents.schemas } });
  await eventually(async () => (await get("/schemas/order.paid.json")).status === 200);
});
afterAll(() => node.stop());

describe.each(["", "/api/v1"])("the schema of a type of events, at %j", (base) => {
  it.each(Object.keys(orderEvents.schemas))(
    "is the published one, under the name that events give it: %s",
    async (type) => {
      const answer = await get(`${base}/schemas/${type}.json`);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/schema+json"]);
      expect(await answer.json()).toEqual({ ...published.get(type), $id: `${ORIGIN}/schemas/${type}.json` });
    },
  );

  it("can be kept, and asked for again by its version", async () => {
    const { headers } = await get(`${base}/schemas/order.paid.json`);
    expect(headers.get("cache-control")).toBe("public, max-age=300");
    const again = await get(`${base}/schemas/order.paid.json`, { "If-None-Match": headers.get("etag") ?? "" });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it.each(["order.lost", "order", "__proto__", "constructor", "..%2forder.paid"])(
    "is a problem where there is none: %s",
    async (type) => {
      const answer = await get(`${base}/schemas/${type}.json`);
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await problem(answer)).toBe("404 SCHEMA_NOT_FOUND");
    },
  );
});

it("is in the OpenAPI document", async () => {
  const document = (await (await get("/api/v1/openapi.json")).json()) as { paths: Record<string, { get: object }> };
  expect(document.paths["/schemas/{type}.json"]?.get).toMatchObject({
    security: [],
    parameters: expect.arrayContaining([expect.objectContaining({ name: "type", in: "path", required: true })]),
    responses: {
      200: { content: { "application/schema+json": expect.anything() } },
      404: { description: "`SCHEMA_NOT_FOUND`" },
    },
  });
});
