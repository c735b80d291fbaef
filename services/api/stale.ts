import { LRUCache } from "lru-cache";
import type { Metrics } from "../../lib/metrics";
import type { Policies } from "../../lib/policies";
import { encodeAnswer } from "./encoding";
import type { GatewayRequest, GatewayResponse } from "./gateway";
import { isRead } from "./request";

/** Entries of lists, over all answers that are kept. */
const MAX_ITEMS = 10_000;
/** Milliseconds; nobody is shown anything older. */
const KEEP_MS = 10 * 60_000;

interface Kept {
  answer: object;
  action: string;
  etag: string | undefined;
  at: number;
}

const sizeOf = (answer: object) => ("items" in answer && Array.isArray(answer.items) ? answer.items.length + 1 : 1);

/**
 * The last answers to what everybody may read and what is declared to do for a while (`stale`): given, and marked as old,
 * while nobody can be asked for a new one.
 */
export class StaleAnswers {
  private readonly kept = new LRUCache<string, Kept>({
    maxSize: MAX_ITEMS,
    sizeCalculation: ({ answer }) => sizeOf(answer),
    ttl: KEEP_MS,
  });

  constructor(
    private readonly policies: () => Policies,
    private readonly metrics: Metrics,
  ) {}

  keep({ method, originalUrl, $action }: GatewayRequest, answer: unknown, etag: string | undefined): void {
    if (!$action?.stale || $action.access !== "anyone" || !isRead(method)) return;
    if (typeof answer !== "object" || answer === null) return;
    this.kept.set(originalUrl, { answer, action: $action.name ?? "", etag, at: Date.now() });
  }

  /** Answers with what is kept; false where there is nothing, or the configuration wants none of it. */
  answered({ method, originalUrl }: GatewayRequest, res: GatewayResponse, requestId: string): boolean {
    const kept = isRead(method) ? this.kept.get(originalUrl) : undefined;
    if (!kept || !this.policies().allowsFallback(kept.action)) return false;
    this.metrics.fallbacks.inc({ action: kept.action });
    const age = Math.round((Date.now() - kept.at) / 1000);
    res.writeHead(200, {
      "Content-Type": "application/json; charset=utf-8",
      "X-Request-Id": requestId,
      Age: String(age),
      // RFC 9211: past the time for which it is fresh.
      "Cache-Status": `gateway; hit; ttl=-${age}`,
      ...(kept.etag && { ETag: kept.etag }),
    });
    res.end(method === "HEAD" ? undefined : encodeAnswer(kept.answer));
    return true;
  }
}
