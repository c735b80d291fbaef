import { currentRequest, inRequest } from "../request-scope";
import { isSampled, isTraceparent, newTraceparent } from "../trace";
import { childOf, type Sink, Span, type SpanOptions } from "./span";

/** Requests a second whose spans are kept beside those of the rate, as their clients ask for it. */
const ASKED_PER_SECOND = 10;

interface TracerParts {
  /** Where spans go; undefined where nobody collects them, and then none are made. */
  exporter?: { add: Sink; close: () => Promise<void> };
  /** The part of new traces that is kept, 0 to 1; asked for each. */
  sampleRate: () => number;
}

/**
 * Makes spans where work comes in, is passed on, or is handed over. The traceparent of the request's scope is the span
 * that is being worked on, so that calls, documents, events and logs below it carry it on.
 */
export class Tracer {
  private allowed = ASKED_PER_SECOND;
  private countedAt = performance.now();

  constructor(private readonly parts: TracerParts) {}

  /** Whether spans go anywhere from this node. */
  get isOn(): boolean {
    return this.parts.exporter !== undefined;
  }

  /**
   * The span of what a client asked for: below the client's own, where it sent a valid traceparent, and kept as it says
   * while few clients do; else the first of a new trace. With a rate of 0 nothing is kept, whatever a client says.
   */
  enter(options: SpanOptions, given?: unknown): Span {
    const rate = this.parts.sampleRate();
    const isChild = isTraceparent(given);
    const isDrawn = Math.random() < rate;
    const isKept = rate > 0 && (isChild ? isSampled(given) && (isDrawn || this.mayAsk()) : isDrawn);
    if (!isChild) return new Span({ traceparent: newTraceparent(isKept) }, options, this.sinkWhere(isKept));
    if (this.isOn && isKept) return new Span(childOf(given), options, this.sinkWhere(true));
    return new Span({ traceparent: isKept || !isSampled(given) ? given : unsampled(given) }, options);
  }

  /** The span of a step below `parent` (default: what is being worked on); undefined where it is not kept. */
  child(options: SpanOptions, parent = currentRequest()?.traceparent, id?: string): Span | undefined {
    const sink = this.parts.exporter?.add;
    if (!sink || parent === undefined || !isTraceparent(parent) || !isSampled(parent)) return undefined;
    return new Span(childOf(parent, id), options, sink);
  }

  /** Does a step as a span of its own, where it is kept. */
  run<T>(options: SpanOptions, work: (span?: Span) => Promise<T>): Promise<T> {
    const span = this.child(options);
    if (!span) return work();
    const scope = { ...currentRequest(), traceparent: span.traceparent, service: options.service };
    return inRequest(scope, () => span.around(() => work(span)));
  }

  /** Sends what waits, within two seconds. */
  async close(): Promise<void> {
    await this.parts.exporter?.close();
  }

  /** Anybody can set the flag: what it brings must not drown the rest, nor Zipkin. */
  private mayAsk(): boolean {
    const now = performance.now();
    this.allowed = Math.min(ASKED_PER_SECOND, this.allowed + ((now - this.countedAt) / 1000) * ASKED_PER_SECOND);
    this.countedAt = now;
    if (this.allowed < 1) return false;
    this.allowed--;
    return true;
  }

  private sinkWhere(isKept: boolean): Sink | undefined {
    return isKept ? this.parts.exporter?.add : undefined;
  }
}

const unsampled = (traceparent: string): string => `${traceparent.slice(0, 53)}00`;
