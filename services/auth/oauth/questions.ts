import { AsyncLocalStorage } from "node:async_hooks";
import type { CustomFetch } from "openid-client";
import { Agent, fetch, Response } from "undici";
import { Bulkhead } from "../../../lib/bulkhead";
import { type Provider, ProviderFailure } from "./providers/provider";

/** Milliseconds for all that a provider is asked on behalf of one request. */
const ALL_MS = 10_000;
/** Milliseconds for an action that asks: the provider's time, and some for ourselves. */
export const TIMEOUT_MS = ALL_MS + 4000;
const CONNECT_MS = 3000;
/** Keys and claims take some kilobytes. */
const MAX_ANSWER_BYTES = 512 * 1024;

const tooMany = () => new ProviderFailure("too many wait for it already");
const deadlines = new AsyncLocalStorage<AbortSignal>();

/** What a node asks one provider at once: one that hangs leaves room for those who come back from others. */
export const AT_ONCE = 50;

/** What providers are asked, within bounds for each. */
export class Questions {
  private readonly bulkheads = new Map<string, Bulkhead>();

  /** Whatever `work` asks of a provider is given up when the time is over, however many questions it is made of. */
  within<T>({ id }: Pick<Provider, "id">, work: () => Promise<T>): Promise<T> {
    const bulkhead = this.bulkheads.get(id) ?? new Bulkhead(() => ({ concurrency: AT_ONCE, queue: 0 }), tooMany);
    this.bulkheads.set(id, bulkhead);
    return bulkhead.run(() => deadlines.run(AbortSignal.timeout(ALL_MS), work));
  }
}

/** The dispatcher's bound is of what comes over the wire; what is unpacked from that is bounded here. */
function bounded(answer: Response): Response {
  if (!answer.body) return answer;
  let bytes = 0;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > MAX_ANSWER_BYTES) controller.error(new ProviderFailure("an answer is too long"));
      else controller.enqueue(chunk);
    },
  });
  return new Response(answer.body.pipeThrough(bound), answer);
}

/** How providers are asked: no redirect is followed, no answer without end is read, none is waited for after the deadline. */
export function providerFetch(): { ask: CustomFetch; close: () => Promise<void> } {
  const dispatcher = new Agent({ maxResponseSize: MAX_ANSWER_BYTES, connect: { timeout: CONNECT_MS } });
  return {
    async ask(url, { signal, ...options }) {
      const signals = [signal, deadlines.getStore()].filter((each) => each !== undefined);
      const request = { ...options, dispatcher, redirect: "manual" as const, signal: AbortSignal.any(signals) };
      // undici's own types for the same web interfaces.
      return bounded(await fetch(url, request as Parameters<typeof fetch>[1])) as unknown as globalThis.Response;
    },
    close: () => dispatcher.destroy(),
  };
}
