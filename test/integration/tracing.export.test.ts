import { freePorts } from "../../lib/infra/ports";
import { newTraceparent } from "../../lib/trace";
import { Tracer } from "../../lib/tracing/tracer";
import { ZipkinExporter } from "../../lib/tracing/zipkin";
import { type Collector, startCollector } from "./collector";
import { eventually } from "./node";

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

const exporters: ZipkinExporter[] = [];
afterEach(async () => {
  for (const exporter of exporters.splice(0)) await exporter.close();
});

function exporting({ url = collector.url, maxWaiting = 8000, answerMs = 5000 } = {}) {
  const counts = { exported: 0, dropped: 0 };
  const lines: unknown[][] = [];
  const logger = {
    info: (...args: unknown[]) => void lines.push(args),
    warn: (...args: unknown[]) => void lines.push(args),
  };
  const exporter = new ZipkinExporter({
    url,
    maxWaiting,
    answerMs,
    logger: () => logger,
    count: (outcome, spans) => {
      counts[outcome] += spans;
    },
  });
  exporters.push(exporter);
  const tracer = new Tracer({ exporter, sampleRate: () => 1 });
  const make = (spans: number) => {
    const parent = newTraceparent();
    for (let i = 0; i < spans; i++) tracer.child({ name: "thing.make", service: "thing" }, parent)?.end();
  };
  return { exporter, counts, lines, make };
}

describe("spans", () => {
  it("go to the collector in batches, each once", async () => {
    const { counts, make } = exporting();
    make(1200);
    await eventually(() => collector.spans.length === 1200);
    expect(new Set(collector.spans.map(({ id }) => id)).size).toBe(1200);
    expect(new Set(collector.paths)).toEqual(new Set(["/api/v2/spans"]));
    expect(collector.bodies.map((body) => (JSON.parse(body) as unknown[]).length)).toEqual([500, 500, 200]);
    await eventually(() => counts.exported === 1200);
    expect(counts.dropped).toBe(0);
  });

  it("that wait when the node ends are sent before", async () => {
    const { exporter, counts, make } = exporting();
    make(3);
    await exporter.close();
    expect(collector.spans).toHaveLength(3);
    make(1);
    expect(counts).toEqual({ exported: 3, dropped: 1 });
  });

  it("wait while the collector is away, up to a limit, with one line of log", async () => {
    collector.answer = 503;
    const { counts, lines, make } = exporting({ maxWaiting: 700 });
    make(5000);
    expect(counts).toEqual({ exported: 0, dropped: 4300 });
    await eventually(() => collector.bodies.length >= 2);
    collector.answer = 202;
    await eventually(() => counts.exported === 700, 20_000);
    expect(collector.spans).toHaveLength(700);
    expect(lines.map(([first]) => typeof first)).toEqual(["object", "string"]);
    expect(lines[0]).toEqual([
      { reason: "it answers 503", collector: new URL(collector.url).host },
      "spans cannot be sent to the collector at the moment",
    ]);
  }, 30_000);

  it("that the collector finds wrong are not sent for ever", async () => {
    collector.answer = 400;
    const { counts, make } = exporting();
    make(500);
    await eventually(() => counts.dropped === 500);
    collector.answer = 202;
    make(2);
    await eventually(() => counts.exported === 2);
  });

  it("are sent as the user that the address names, whom no log names", async () => {
    const { host } = new URL(collector.url);
    const { lines, make } = exporting({ url: `http://op:s%40fe@${host}/zipkin/api/v2/spans` });
    collector.answer = 503;
    make(500);
    await eventually(() => lines.length > 0);
    expect(collector.paths[0]).toBe("/zipkin/api/v2/spans");
    expect(collector.authorizations[0]).toBe(`Basic ${Buffer.from("op:s@fe").toString("base64")}`);
    expect(JSON.stringify(lines)).not.toContain("s@fe");
  });
});

describe("a node that ends does not wait for the spans' collector", () => {
  // The spans have 1.5 s; else the collector would have five for each batch.
  const ending = async (exporter: ZipkinExporter) => {
    const began = performance.now();
    await exporter.close();
    return performance.now() - began;
  };

  it("where the collector takes connections and says nothing", async () => {
    collector.answer = "nothing";
    const { exporter, counts, make } = exporting();
    make(8000);
    await eventually(() => collector.bodies.length === 1);
    make(10_000);
    expect(await ending(exporter)).toBeLessThan(4500);
    expect(counts).toEqual({ exported: 0, dropped: 18_000 });
  });

  it("where nothing listens at its address", async () => {
    const [port] = await freePorts(1);
    const { exporter, counts, make } = exporting({ url: `http://127.0.0.1:${port}` });
    make(600);
    expect(await ending(exporter)).toBeLessThan(4500);
    expect(counts).toEqual({ exported: 0, dropped: 600 });
  });
});

it("a collector that hangs is given up after a while, and spans go out when it answers again", async () => {
  collector.answer = "nothing";
  const { counts, lines, make } = exporting({ answerMs: 300 });
  make(500);
  await eventually(() => lines.length === 1);
  collector.answer = 202;
  await eventually(() => counts.exported === 500, 20_000);
  expect(counts.dropped).toBe(0);
});
