import type { ServiceBroker } from "moleculer";
import { Agent, request } from "undici";
import { within } from "../time";
import type { ZipkinSpan } from "./span";

/** Spans in one request: some 200 kB, below what a collector takes at most. */
const BATCH = 500;
/** What waits at most, some 4 MB; what comes then is dropped and counted. */
const MAX_WAITING = 8000;
const SEND_AFTER_MS = 1000;
const ANSWER_MS = 5000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** Of the 10 s that a node has to end. */
const CLOSE_MS = 1500;
const WARN_EVERY_MS = 10 * 60_000;

interface ZipkinOptions {
  /** The collector's origin, with a user and a password where it asks for them; its path may follow. */
  url: string;
  /** Asked for when there is something to say: the exporter is there before the broker. */
  logger: () => Pick<ServiceBroker["logger"], "info" | "warn">;
  count: (outcome: "exported" | "dropped", spans: number) => void;
  /** For tests. */
  maxWaiting?: number;
  answerMs?: number;
}

type Outcome = "taken" | "refused" | "failed";

/** Where spans are posted, and as whom. */
function addressOf(url: string): { address: string; authorization?: string } {
  const { origin, pathname, username, password } = new URL(url);
  const path = pathname.replace(/\/(api\/v2\/spans)?$/, "");
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    address: `${origin}${path}/api/v2/spans`,
    ...(username && { authorization: `Basic ${Buffer.from(user).toString("base64")}` }),
  };
}

/**
 * Sends spans to Zipkin in batches, one at a time. What could not be sent is tried again, later and later; meanwhile new
 * spans wait up to a limit, so that a collector that is away or hangs costs neither memory nor a line of log for each span.
 */
export class ZipkinExporter {
  private readonly waiting: ZipkinSpan[] = [];
  private readonly agent: Agent;
  private readonly address: string;
  private readonly headers: Record<string, string>;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;
  private pauseMs = 0;
  private warnedAt = Number.NEGATIVE_INFINITY;
  private closed = false;

  constructor(private readonly options: ZipkinOptions) {
    const { address, authorization } = addressOf(options.url);
    const { answerMs = ANSWER_MS } = options;
    this.address = address;
    this.headers = { "Content-Type": "application/json", ...(authorization && { Authorization: authorization }) };
    this.agent = new Agent({
      connections: 1,
      connectTimeout: answerMs,
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
    });
  }

  readonly add = (span: ZipkinSpan): void => {
    if (this.closed || this.waiting.length >= (this.options.maxWaiting ?? MAX_WAITING)) {
      this.options.count("dropped", 1);
      return;
    }
    this.waiting.push(span);
    if (this.waiting.length >= BATCH && this.pauseMs === 0) this.send();
    else this.sendIn(this.pauseMs || SEND_AFTER_MS);
  };

  /** Tries once more to send what waits, drops what is left, and ends within 1.5 s. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    const last = async () => {
      await this.sending;
      this.send();
      await this.sending;
    };
    await within(CLOSE_MS, last).catch(() => undefined);
    this.closed = true;
    clearTimeout(this.timer);
    this.drop(this.waiting.length);
    await this.agent.destroy();
  }

  private sendIn(ms: number): void {
    this.timer ??= setTimeout(() => this.send(), ms).unref();
  }

  private send(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
      if (this.waiting.length > 0 && !this.closed) this.sendIn(this.pauseMs || SEND_AFTER_MS);
    });
  }

  private async sendAll(): Promise<void> {
    while (this.waiting.length > 0 && !this.closed) {
      const batch = this.waiting.slice(0, BATCH);
      const outcome = await this.post(batch);
      if (this.closed) return;
      if (outcome === "failed") {
        this.pauseMs = Math.min(this.pauseMs * 2 || FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
        return;
      }
      if (outcome === "refused") this.drop(batch.length);
      else this.took(batch.length);
    }
  }

  private took(spans: number): void {
    this.waiting.splice(0, spans);
    this.options.count("exported", spans);
    if (this.pauseMs > 0) this.options.logger().info("spans go to the collector again");
    this.pauseMs = 0;
  }

  private drop(spans: number): void {
    if (spans === 0) return;
    this.waiting.splice(0, spans);
    this.options.count("dropped", spans);
  }

  private async post(batch: ZipkinSpan[]): Promise<Outcome> {
    const { answerMs = ANSWER_MS } = this.options;
    try {
      const { statusCode, body } = await request(this.address, {
        method: "POST",
        headers: this.headers,
        body: JSON.stringify(batch),
        dispatcher: this.agent,
        signal: AbortSignal.timeout(answerMs),
      });
      await body.dump();
      if (statusCode < 300) return "taken";
      this.warn(`it answers ${statusCode}`);
      // What it finds wrong it will find wrong again; when it is busy or broken it may take it later.
      return statusCode >= 500 || statusCode === 408 || statusCode === 429 ? "failed" : "refused";
    } catch (error) {
      this.warn(error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : "no answer");
      return "failed";
    }
  }

  private warn(reason: string): void {
    if (this.closed || performance.now() - this.warnedAt < WARN_EVERY_MS) return;
    this.warnedAt = performance.now();
    const { host } = new URL(this.address);
    this.options.logger().warn({ reason, collector: host }, "spans cannot be sent to the collector at the moment");
  }
}
