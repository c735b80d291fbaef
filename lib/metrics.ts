import { Counter, collectDefaultMetrics, Histogram, type Metric, Registry, register } from "prom-client";
import { MeasuredGauge } from "./measured-gauge";

const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** A node's metrics, as Prometheus reads them from the operations port. */
export class Metrics {
  readonly registry = new Registry();
  readonly ready = new MeasuredGauge({
    name: "shop_ready",
    help: "Whether this node takes work: 1 where readiness answers ok or degraded, else 0",
    labelNames: [],
    registers: [this.registry],
  });
  readonly dependencies = new MeasuredGauge({
    name: "shop_dependency_up",
    help: "Whether what this node needs is there (1) or missing (0), required or not",
    labelNames: ["dependency"],
    registers: [this.registry],
  });

  readonly actions = new Histogram({
    name: "shop_action_duration_seconds",
    help: "Time that an action took on this node, by outcome",
    labelNames: ["action", "outcome"],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly actionsInFlight = new MeasuredGauge({
    name: "shop_action_in_flight",
    help: "Calls of an action that run on this node",
    labelNames: ["action"],
    registers: [this.registry],
  });
  readonly actionsQueued = new MeasuredGauge({
    name: "shop_action_queued",
    help: "Calls of an action that wait on this node, as too many run already",
    labelNames: ["action"],
    registers: [this.registry],
  });
  readonly callsExpired = new Counter({
    name: "shop_calls_expired_total",
    help: "Calls that were not begun, as they had waited until their caller gave them up",
    labelNames: ["action"],
    registers: [this.registry],
  });
  readonly circuitsOpen = new MeasuredGauge({
    name: "shop_circuits_open",
    help: "Nodes that this one does not ask for an action at the moment, or asks once to see, as too many calls failed",
    labelNames: ["action"],
    registers: [this.registry],
  });
  readonly circuitsOpened = new Counter({
    name: "shop_circuits_opened_total",
    help: "Times that this node stopped asking another one for an action, as too many calls failed",
    labelNames: ["action"],
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

  readonly orders = new Counter({
    name: "shop_orders_total",
    help: "Steps that orders went on by: placed, paid, shipped, delivered, cancelled, refunded (once per refund)",
    labelNames: ["step"],
    registers: [this.registry],
  });
  readonly stockRejected = new Counter({
    name: "shop_stock_rejected_total",
    help: "Orders that could not have their stock: insufficient, expired (too late to hold it), returned (given back)",
    labelNames: ["reason"],
    registers: [this.registry],
  });
  readonly paymentsStuck = new MeasuredGauge({
    name: "shop_payments_stuck",
    help: "Payments of the whole cluster that are tried in vain (retrying), or that money of a dead order is left of (unreturned)",
    labelNames: ["why"],
    registers: [this.registry],
  });
  readonly workOverdue = new MeasuredGauge({
    name: "shop_work_overdue",
    help: "Documents whose next step is due for a minute or more, of the whole cluster; counted up to 1,000",
    labelNames: ["collection"],
    registers: [this.registry],
  });
  readonly workFailed = new Counter({
    name: "shop_work_failed_total",
    help: "Times that the next step of a document failed and was left to be tried again",
    labelNames: ["collection"],
    registers: [this.registry],
  });
  readonly chatQueueLength = new MeasuredGauge({
    name: "shop_chat_queue_length",
    help: "Conversations that wait for an agent, of the whole cluster",
    labelNames: [],
    registers: [this.registry],
  });
  readonly chatQueueOldest = new MeasuredGauge({
    name: "shop_chat_queue_oldest_seconds",
    help: "Time for which the conversation has waited that waits longest, 0 where none does",
    labelNames: [],
    registers: [this.registry],
  });
  readonly chatFirstResponse = new Histogram({
    name: "shop_chat_first_response_seconds",
    help: "Time from the opening of a conversation to an agent's first answer",
    labelNames: [],
    buckets: [5, 15, 30, 60, 120, 300, 600, 1800, 3600],
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
    // Once in a process, however often its broker is made again: what watches memory and the event loop cannot be stopped.
    if (register.getMetricsAsArray().length === 0) collectDefaultMetrics();
    // Gauges under names that Prometheus keeps for counters; the same figures are there by type.
    for (const metric of register.getMetricsAsArray())
      if (!MISNAMED.includes(metric.name)) this.registry.registerMetric(metric as unknown as Metric);
  }
}
