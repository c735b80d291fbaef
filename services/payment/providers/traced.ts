import type { Span } from "../../../lib/tracing/span";
import type { Tracer } from "../../../lib/tracing/tracer";
import type { Provider } from "./provider";

/** A provider whose answers are CLIENT spans. It is told nothing of the trace: it belongs to somebody else. */
export function tracedProvider(provider: Provider, tracer: Tracer): Provider {
  if (!tracer.isOn) return provider;
  const { name } = provider;

  const asking = <T>(what: string, ask: (span?: Span) => Promise<T>): Promise<T> =>
    tracer.run({ name: `${name} ${what}`, service: "payment", kind: "CLIENT", remote: name }, ask);

  /** No method rejects because of the provider: that it could not be reached is an answer, too. */
  const asked = <T extends { kind: string }>(what: string, ask: () => Promise<T>): Promise<T> =>
    asking(what, async (span) => {
      const answer = await ask();
      if (answer.kind === "unknown") span?.tag("error", "OUTCOME_UNKNOWN");
      return answer;
    });

  return {
    ...provider,
    prepare: (reference) => asking("prepare", () => provider.prepare(reference)),
    confirm: (request) => asked("confirm", () => provider.confirm(request)),
    fetch: (paymentKey) => asked("fetch", () => provider.fetch(paymentKey)),
    fetchByOrder: (reference) => asked("fetch by order", () => provider.fetchByOrder(reference)),
    release: (paymentKey) => asking("release", () => provider.release(paymentKey)),
    refund: (request) => asked("refund", () => provider.refund(request)),
  };
}
