import { errorType, ShopError } from "../errors";
import { newSpanId, spanIdOf, traceIdOf, withSpan } from "../trace";

export type SpanKind = "SERVER" | "CLIENT" | "PRODUCER" | "CONSUMER";

/** All that a span may say of what it was about: no params, no raw paths, no texts that somebody wrote. */
export type TagName =
  | "http.method"
  | "http.route"
  | "http.status_code"
  | "action"
  | "node"
  | "call"
  | "topic"
  | "group"
  | "partition"
  | "offset"
  | "event.type"
  | "collection"
  | "error.code"
  | "error";

export type Tags = Partial<Record<TagName, string>>;

export interface SpanOptions {
  name: string;
  /** The service that does it; Zipkin draws who depends on whom from these. */
  service: string;
  /** Without it the span is work within one process. */
  kind?: SpanKind;
  /** The other side: a service, or a server that tells nothing of itself. */
  remote?: string;
  tags?: Tags;
}

/** As Zipkin's API v2 takes it; times are in microseconds. */
export interface ZipkinSpan {
  traceId: string;
  id: string;
  parentId?: string;
  name: string;
  kind?: SpanKind;
  timestamp: number;
  duration: number;
  localEndpoint: { serviceName: string };
  remoteEndpoint?: { serviceName: string };
  tags: Tags;
}

export type Sink = (span: ZipkinSpan) => void;

const CODE = /^[A-Za-z][\w.-]{0,63}$/;

/** A name that others chose, where it looks like one. */
export const asCode = (name: string | undefined, otherwise: string): string =>
  name !== undefined && CODE.test(name) ? name : otherwise;

/** The stable code of what was thrown; its message may repeat what a customer sent, or an address. */
export const errorCode = (error: unknown): string =>
  asCode(errorType(error) ?? (error instanceof Error ? error.name : undefined), "ERROR");

/** A refusal is an answer; what failed is ours, and shown as an error. */
const isRefusal = (error: unknown): boolean => error instanceof ShopError && error.code < 500;

export interface SpanPlace {
  /** Names the span's trace and id. */
  traceparent: string;
  parentId?: string;
}

/** Below another span, in its trace. */
export const childOf = (traceparent: string, id = newSpanId()): SpanPlace => ({
  traceparent: withSpan(traceparent, id),
  parentId: spanIdOf(traceparent),
});

/** One piece of work, measured from its making to its end. Without a sink it only carries the trace on. */
export class Span {
  readonly traceparent: string;
  private readonly timestamp = Date.now() * 1000;
  private readonly began = performance.now();
  private readonly tags: Tags;
  private ended = false;

  constructor(
    private readonly place: SpanPlace,
    private readonly options: SpanOptions,
    private readonly sink?: Sink,
  ) {
    this.traceparent = place.traceparent;
    this.tags = { ...options.tags };
  }

  /** Whether anybody will see it. */
  get isKept(): boolean {
    return this.sink !== undefined;
  }

  tag(name: TagName, value: string): void {
    this.tags[name] = value;
  }

  rename(name: string): void {
    this.options.name = name;
  }

  /** Counts once: an answer that comes after its caller gave up changes nothing. */
  end(): void {
    if (this.ended || !this.sink) return;
    this.ended = true;
    const { name, kind, service, remote } = this.options;
    this.sink({
      traceId: traceIdOf(this.traceparent),
      id: spanIdOf(this.traceparent),
      ...(this.place.parentId && { parentId: this.place.parentId }),
      name,
      ...(kind && { kind }),
      timestamp: this.timestamp,
      // Zipkin takes 0 for "unknown".
      duration: Math.max(1, Math.round((performance.now() - this.began) * 1000)),
      localEndpoint: { serviceName: service },
      ...(remote && { remoteEndpoint: { serviceName: remote } }),
      tags: this.tags,
    });
  }

  /** Ends it with the code of what was thrown. */
  fail(error: unknown): void {
    const code = errorCode(error);
    this.tags["error.code"] = code;
    if (!isRefusal(error)) this.tags.error = code;
    this.end();
  }

  /** Ends with the work, whatever comes of it. */
  async around<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.end();
      return result;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }
}
