import { ShopError } from "../../lib/errors";
import { newId } from "../../lib/ids";
import { currentRequest, inRequest } from "../../lib/request-scope";
import { isSampled, isTraceparent, newTraceparent, spanIdOf, traceIdOf } from "../../lib/trace";
import { publishing } from "../../lib/tracing/publishing";
import type { ZipkinSpan } from "../../lib/tracing/span";
import { Tracer } from "../../lib/tracing/tracer";

const request = { name: "GET /things", service: "api", kind: "SERVER" } as const;
const step = { name: "thing.make", service: "thing" };

function tracing({ rate = 1, on = true } = {}) {
  const spans: ZipkinSpan[] = [];
  const rates = { now: rate };
  const exporter = { add: (span: ZipkinSpan) => void spans.push(span), close: async () => undefined };
  return { tracer: new Tracer({ ...(on && { exporter }), sampleRate: () => rates.now }), spans, rates };
}

describe("a request's span", () => {
  it("is the first of a new trace with ids of 128 and 64 bits", () => {
    const { tracer, spans } = tracing();
    const span = tracer.enter(request);
    span.end();
    expect(isTraceparent(span.traceparent) && isSampled(span.traceparent)).toBe(true);
    expect(spans).toHaveLength(1);
    expect(spans[0]).toMatchObject({
      traceId: traceIdOf(span.traceparent),
      id: spanIdOf(span.traceparent),
      kind: "SERVER",
      name: "GET /things",
      localEndpoint: { serviceName: "api" },
    });
    expect(spans[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(spans[0]).not.toHaveProperty("parentId");
    expect(spans[0]?.duration).toBeGreaterThan(0);
    // Microseconds of now.
    expect(Math.abs((spans[0]?.timestamp ?? 0) / 1000 - Date.now())).toBeLessThan(5000);
  });

  it("is below the client's, in its trace, where it sent a valid traceparent", () => {
    const { tracer, spans } = tracing();
    const given = newTraceparent();
    const span = tracer.enter(request, given);
    span.end();
    expect(spans[0]).toMatchObject({ traceId: traceIdOf(given), parentId: spanIdOf(given) });
    expect(spans[0]?.id).not.toBe(spanIdOf(given));
  });

  it.each([
    "",
    "00-1-2-01",
    `00-${"0".repeat(32)}-${"1".repeat(16)}-01`,
    `ff-${"1".repeat(32)}-${"1".repeat(16)}-01`,
    ["a"],
  ])("takes nothing over from %j", (given) => {
    const { tracer } = tracing();
    const span = tracer.enter(request, given);
    expect(isTraceparent(span.traceparent)).toBe(true);
    expect(traceIdOf(span.traceparent)).not.toBe("1".repeat(32));
  });

  it("is not kept, nor what is below it, where the client says so; its trace goes on", async () => {
    const { tracer, spans } = tracing();
    const given = newTraceparent(false);
    const span = tracer.enter(request, given);
    await inRequest({ traceparent: span.traceparent }, () => tracer.run(step, async () => undefined));
    span.end();
    expect(spans).toEqual([]);
    expect(traceIdOf(span.traceparent)).toBe(traceIdOf(given));
    expect(isSampled(span.traceparent)).toBe(false);
  });

  it("is kept as the client asks ten times a second beside the rate, however often it does", () => {
    jest.useFakeTimers();
    try {
      const { tracer, spans, rates } = tracing({ rate: Number.MIN_VALUE });
      const ask = (times: number) => {
        spans.length = 0;
        for (let i = 0; i < times; i++) tracer.enter(request, newTraceparent()).end();
        return spans.length;
      };
      expect(ask(500)).toBe(10);
      const cut = newTraceparent();
      const span = tracer.enter(request, cut);
      expect([traceIdOf(span.traceparent), isSampled(span.traceparent)]).toEqual([traceIdOf(cut), false]);
      jest.advanceTimersByTime(500);
      expect(ask(500)).toBe(5);
      jest.advanceTimersByTime(60_000);
      expect(ask(500)).toBe(10);
      rates.now = 1;
      expect(ask(500)).toBe(500);
    } finally {
      jest.useRealTimers();
    }
  });

  it("is kept for as many new traces as the rate says, which may change", () => {
    const { tracer, spans, rates } = tracing({ rate: 0.25 });
    for (let i = 0; i < 4000; i++) tracer.enter(request).end();
    expect(spans.length).toBeGreaterThan(800);
    expect(spans.length).toBeLessThan(1200);
    spans.length = 0;
    rates.now = 0;
    const given = newTraceparent();
    const span = tracer.enter(request, given);
    span.end();
    tracer.enter(request).end();
    expect(spans).toEqual([]);
    expect([traceIdOf(span.traceparent), isSampled(span.traceparent)]).toEqual([traceIdOf(given), false]);
  });

  it("is only a traceparent where nobody collects", async () => {
    const { tracer } = tracing({ on: false });
    const given = newTraceparent();
    expect(tracer.enter(request, given).traceparent).toBe(given);
    const seen = await inRequest({ traceparent: given }, () => tracer.run(step, async () => currentRequest()));
    expect(seen).toEqual({ traceparent: given });
  });
});

describe("a step", () => {
  it("is below what is being worked on, and what it causes is below it", async () => {
    const { tracer, spans } = tracing();
    const root = newTraceparent();
    await inRequest({ requestId: "r", traceparent: root }, () =>
      tracer.run(step, async () => {
        expect(currentRequest()).toMatchObject({ requestId: "r", service: "thing" });
        await tracer.run({ ...step, name: "inner" }, async () => undefined);
      }),
    );
    const [inner, outer] = spans;
    expect(outer).toMatchObject({ name: "thing.make", parentId: spanIdOf(root) });
    expect(inner).toMatchObject({ name: "inner", parentId: outer?.id, traceId: outer?.traceId });
  });

  it("makes no span of what belongs to no request", async () => {
    const { tracer, spans } = tracing();
    await tracer.run(step, async () => undefined);
    expect(spans).toEqual([]);
  });

  it.each([
    [new ShopError(409, "TAKEN", "kim@example.com has it"), { "error.code": "TAKEN" }],
    [new ShopError(503, "UNAVAILABLE", "secret"), { "error.code": "UNAVAILABLE", error: "UNAVAILABLE" }],
    [new TypeError("4242424242424242"), { "error.code": "TypeError", error: "TypeError" }],
    [Object.assign(new Error("x"), { type: "kim@example.com" }), { "error.code": "ERROR", error: "ERROR" }],
    ["kim@example.com", { "error.code": "ERROR", error: "ERROR" }],
  ])("that throws %s says its code alone", async (thrown, tags) => {
    const { tracer, spans } = tracing();
    const failing = inRequest({ traceparent: newTraceparent() }, () =>
      tracer.run(step, async () => {
        throw thrown;
      }),
    );
    await expect(failing).rejects.toBe(thrown);
    expect(spans.map((span) => span.tags)).toEqual([tags]);
  });
});

it("an event that is published again is the same, and so is its span", () => {
  const { tracer, spans } = tracing();
  const entry = { id: newId(), type: "thing.made", time: "now", traceparent: newTraceparent(), data: {} };
  const publish = () => {
    const { sent, told } = publishing(tracer, { topic: "thing", service: "thing", remote: "kafka", node: "n" });
    const event = sent(entry);
    return { event, told };
  };
  const [first, second] = [publish(), publish()];
  expect(spans).toEqual([]);
  second.told();
  expect(second.event).toEqual(first.event);
  expect(spans).toMatchObject([
    { kind: "PRODUCER", id: spanIdOf(second.event.traceparent), parentId: spanIdOf(entry.traceparent) },
  ]);
});
