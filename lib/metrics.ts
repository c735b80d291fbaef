import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { within } from "./time";

const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** Milliseconds that a figure may take which is asked for at a scrape; one that takes longer is left out. */
const MEASURE_MS = 1000;

/** A figure that is asked for when it is scraped, from as many sources as there are sets of labels. */
export class MeasuredGauge {
  private readonly sources = new Set<{ labels: Record<string, string>; ask: () => Promise<number> | number }>();

  constructor(options: { name: string; help: string; labelNames: string[]; registers: Registry[] }) {
    const { sources } = this;
    new Gauge({
      ...options,
      async collect() {
        this.reset();
        await Promise.all(
          [...sources].map(async ({ labels, ask }) => {
            const figure = await within(MEASURE_MS, ask).catch(() => undefined);
            if (figure !== undefined) this.set(labels, figure);
          }),
        );
      },
    });
  }

  /** Adds a source; the answer takes it away again. */
  measure(labels: Record<string, string>, ask: () => Promise<number> | number): () => void {
    const source = { labels, ask };
    this.sources.add(source);
    return () => void this.sources.delete(source);
  }
}

/** A node's metrics, as Prometheus reads them from the operations port. */
export class Metrics {
  readonly registry = new Registry();
  readonly actions = new Histogram({
    name: "shop_action_duration_seconds",
    help: "Time that an action took on this node, by outcome",
    labelNames: ["action", "outcome"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly http = new Histogram({
    name: "shop_http_request_duration_seconds",
    help: "Time from a request to the end of its answer, by route",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly rateLimited = new Counter({
    name: "shop_http_rate_limited_total",
    help: "Requests refused because their account or address sent too many",
    labelNames: ["limit"],
    registers: [this.registry],
  });
  readonly hedgedCalls = new Counter({
    name: "shop_calls_hedged_total",
    help: "Calls that a second node was asked, as the first one said nothing",
    labelNames: ["action"],
    registers: [this.registry],
  });
  readonly sockets = new MeasuredGauge({
    name: "shop_sockets",
    help: "Sockets that are connected to this node, by transport",
    labelNames: ["transport"],
    registers: [this.registry],
  });
  readonly socketCalls = new Counter({
    name: "shop_socket_calls_total",
    help: "Calls over sockets by name and outcome (ok, or the code of the error)",
    labelNames: ["name", "outcome"],
    registers: [this.registry],
  });
  readonly streams = new MeasuredGauge({
    name: "shop_streams",
    help: "Server-sent event streams that are open on this node",
    labelNames: [],
    registers: [this.registry],
  });

  readonly mails = new Counter({
    name: "shop_mails_total",
    help: "Mails by outcome (sent, dropped, rejected, given-up), and tries that failed and will be repeated (retried)",
    labelNames: ["outcome"],
    registers: [this.registry],
  });
  readonly mailsWaiting = new MeasuredGauge({
    name: "shop_mails_waiting",
    help: "Mails that are not sent yet, of the whole cluster",
    labelNames: [],
    registers: [this.registry],
  });

  readonly outboxPublished = new Counter({
    name: "shop_outbox_published_total",
    help: "Events taken from outboxes to their topic",
    labelNames: ["topic", "collection"],
    registers: [this.registry],
  });
  readonly outboxFailures = new Counter({
    name: "shop_outbox_failures_total",
    help: "Times that waiting events could not be published",
    labelNames: ["topic", "collection"],
    registers: [this.registry],
  });
  readonly outboxWaiting = new MeasuredGauge({
    name: "shop_outbox_waiting",
    help: "Documents whose events are not published yet, of the whole cluster; counted up to 10,000",
    labelNames: ["topic", "collection"],
    registers: [this.registry],
  });
  readonly outboxOldest = new MeasuredGauge({
    name: "shop_outbox_oldest_seconds",
    help: "Time for which the first events in line have waited to be published",
    labelNames: ["topic", "collection"],
    registers: [this.registry],
  });
  readonly topicHandled = new Counter({
    name: "shop_topic_handled_total",
    help: "Messages that a group of consumers is done with, by outcome (ok, dead)",
    labelNames: ["topic", "group", "outcome"],
    registers: [this.registry],
  });
  readonly topicRetries = new Counter({
    name: "shop_topic_retries_total",
    help: "Times that handling a message failed and was to be tried again",
    labelNames: ["topic", "group"],
    registers: [this.registry],
  });
  readonly topicLag = new MeasuredGauge({
    name: "shop_topic_lag",
    help: "Messages that a group of consumers has still to handle, of the whole cluster",
    labelNames: ["topic", "group"],
    registers: [this.registry],
  });

  readonly traceSpans = new Counter({
    name: "shop_trace_spans_total",
    help: "Spans of sampled traces by outcome: taken by the collector (exported), or given up (dropped)",
    labelNames: ["outcome"],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    // Gauges under names that Prometheus keeps for counters; the same figures are there by type.
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
  }
}
