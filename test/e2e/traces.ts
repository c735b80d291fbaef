import type { SpanKind, ZipkinSpan } from "../../lib/tracing/span";

/** A span as a line: what did what for whom. */
export const lineOf = ({ kind, localEndpoint, name }: ZipkinSpan): string =>
  `${kind ?? "-"} ${localEndpoint.serviceName} ${name.toLowerCase()}`;

/** The spans above one, the nearest first. */
export function above(spans: ZipkinSpan[], span: ZipkinSpan): ZipkinSpan[] {
  const parent = spans.find(({ id }) => id === span.parentId);
  return parent ? [parent, ...above(spans, parent)] : [];
}

export const ofKind = (spans: ZipkinSpan[], kind: SpanKind | undefined): ZipkinSpan[] =>
  spans.filter((span) => span.kind === kind);

/** Spans whose parent is none of these: the first one of a trace, or one below the client's own span. */
export const withoutParent = (spans: ZipkinSpan[]): ZipkinSpan[] =>
  spans.filter(({ parentId }) => !spans.some(({ id }) => id === parentId));

/** For a person: the trace as an indented list. */
export function drawn(spans: ZipkinSpan[], below?: string, depth = 0): string {
  const children = below === undefined ? withoutParent(spans) : spans.filter(({ parentId }) => parentId === below);
  return children
    .sort((a, b) => a.timestamp - b.timestamp)
    .map((span) => `${"  ".repeat(depth)}${lineOf(span)}\n${drawn(spans, span.id, depth + 1)}`)
    .join("");
}
