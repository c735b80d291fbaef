import { EnvironmentError, readEnvironment } from "../../lib/environment";
import { nodeOf } from "../../lib/node";
import { newTraceparent } from "../../lib/trace";
import { type Collector, startCollector } from "./collector";
import { eventually, startNode, type TestNode } from "./node";

let collector: Collector;
let node: TestNode;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  await node.stop();
  await collector.close();
});

const enter = (given?: string) => {
  const { tracer } = nodeOf(node.broker);
  const span = tracer.enter({ name: "GET /things", service: "api", kind: "SERVER" }, given);
  span.end();
  return span.isKept;
};

it("tracing.sampleRate holds at once when it changes, and a node ends with nothing unsent", async () => {
  node = await startNode([], { ZIPKIN_URL: collector.url });
  const { config, metrics } = nodeOf(node.broker);
  const set = (rate: number) =>
    config.update({ version: 1, etag: `${rate}`, values: { application: { "tracing.sampleRate": rate } } });
  expect(enter()).toBe(true);
  set(0);
  expect([enter(), enter(newTraceparent())]).toEqual([false, false]);
  set(1);
  expect([enter(), enter(newTraceparent(false))]).toEqual([true, false]);
  await node.stop();
  expect(collector.spans).toHaveLength(2);
  expect((await metrics.traceSpans.get()).values).toEqual([{ labels: { outcome: "exported" }, value: 2 }]);
});

it("TRACING_SAMPLE_RATE is the rate until it is configured", async () => {
  node = await startNode([], { ZIPKIN_URL: collector.url, TRACING_SAMPLE_RATE: "0" });
  expect(enter()).toBe(false);
  expect(() => readEnvironment({ TRACING_SAMPLE_RATE: "2" })).toThrow(EnvironmentError);
  expect(() => readEnvironment({ ZIPKIN_URL: "zipkin:9411" })).toThrow("ZIPKIN_URL");
});

it("a collector that is away is none of readiness' business", async () => {
  collector.answer = 503;
  node = await startNode([], { ZIPKIN_URL: collector.url });
  for (let i = 0; i < 600; i++) enter();
  await eventually(() => collector.bodies.length > 0);
  expect(await nodeOf(node.broker).health.readiness()).toEqual({ status: "ok", missing: [] });
});
