import { Counter, collectDefaultMetrics, Histogram, type Metric, Registry, register } from "prom-client";
import { MeasuredGauge } from "./measured-gauge";

const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];
/** Bounds of what takes a part of a second, or some. */
const SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A node's metrics, as Prometheus reads them from the operations port. */
export class Metrics {
  readonly registry = new Registry();
  readonly ready = this.gauge(
    "shop_ready",
    "Whether this node takes work: 1 where readiness answers ok or degraded, else 0",
    [],
  );
  readonly dependencies = this.gauge(
    "shop_dependency_up",
    "Whether what this node needs is there (1) or missing (0), required or not",
    ["dependency"],
  );

  readonly actions = this.histogram(
    "shop_action_duration_seconds",
    "Time that an action took on this node, by outcome",
    ["action", "outcome"],
    SECONDS,
  );
  readonly actionsInFlight = this.gauge("shop_action_in_flight", "Calls of an action that run on this node", [
    "action",
  ]);
  readonly actionsQueued = this.gauge(
    "shop_action_queued",
    "Calls of an action that wait on this node, as too many run already",
    ["action"],
  );
  readonly fallbacks = this.counter(
    "shop_fallbacks_total",
    "Requests that got an older answer, as nobody could be asked for a new one",
    ["action"],
  );
  readonly callsExpired = this.counter(
    "shop_calls_expired_total",
    "Calls that were not begun, as they had waited until their caller gave them up",
    ["action"],
  );
  readonly circuitsOpen = this.gauge(
    "shop_circuits_open",
    "Nodes that this one does not ask for an action at the moment, or asks once to see, as too many calls failed",
    ["action"],
  );
  readonly circuitsOpened = this.counter(
    "shop_circuits_opened_total",
    "Times that this node stopped asking another one for an action, as too many calls failed",
    ["action"],
  );
  readonly http = this.histogram(
    "shop_http_request_duration_seconds",
    "Time from a request to the end of its answer, by route",
    ["method", "route", "status"],
    SECONDS,
  );
  readonly rateLimited = this.counter(
    "shop_http_rate_limited_total",
    "Requests refused because their account or address sent too many",
    ["limit"],
  );
  readonly hedgedCalls = this.counter(
    "shop_calls_hedged_total",
    "Calls that a second node was asked, as the first one said nothing",
    ["action"],
  );
  readonly sockets = this.gauge("shop_sockets", "Sockets that are connected to this node, by transport", ["transport"]);
  readonly socketTransports = this.gauge(
    "shop_socket_transports",
    "Connections that sockets go over, with one or without, by transport",
    ["transport"],
  );
  readonly socketsCut = this.counter(
    "shop_sockets_cut_total",
    "Connections of sockets that were closed: their client read too little (behind), went on asking too much (refused), " +
      "had no socket any more (idle), or tried in vain to get one (handshakes)",
    ["reason"],
  );
  readonly socketCalls = this.counter(
    "shop_socket_calls_total",
    "Calls over sockets by name and outcome (ok, or the code of the error)",
    ["name", "outcome"],
  );
  readonly streams = this.gauge("shop_streams", "Server-sent event streams that are open on this node", []);

  readonly orders = this.counter(
    "shop_orders_total",
    "Steps that orders went on by: placed, paid, shipped, delivered, cancelled, refunded (once per refund)",
    ["step"],
  );
  readonly stockRejected = this.counter(
    "shop_stock_rejected_total",
    "Orders that could not have their stock: insufficient, expired (too late to hold it), returned (given back)",
    ["reason"],
  );
  readonly payments = this.counter(
    "shop_payments_total",
    "Payments by what they became: paid, failed, cancelled, refunded and the like",
    ["provider", "outcome"],
  );
  readonly paymentAttempts = this.counter(
    "shop_payment_attempts_total",
    "Charges that were asked for, by what the provider answered",
    ["provider", "outcome"],
  );
  readonly paymentRefunds = this.counter(
    "shop_payment_refunds_total",
    "Refunds that were asked for, by what the provider answered",
    ["provider", "outcome"],
  );
  readonly paymentWebhooks = this.counter(
    "shop_payment_webhooks_total",
    "Webhooks that were received, by what became of them",
    ["provider", "outcome"],
  );
  readonly paymentsStuck = this.gauge(
    "shop_payments_stuck",
    "Payments of the whole cluster that are tried in vain (retrying), or that money of a dead order is left of (unreturned)",
    ["why"],
  );
  readonly workOverdue = this.gauge(
    "shop_work_overdue",
    "Documents whose next step is due for a minute or more, of the whole cluster; counted up to 1,000",
    ["collection"],
  );
  readonly workFailed = this.counter(
    "shop_work_failed_total",
    "Times that the next step of a document failed and was left to be tried again",
    ["collection"],
  );
  readonly chatQueueLength = this.gauge(
    "shop_chat_queue_length",
    "Conversations that wait for an agent, of the whole cluster",
    [],
  );
  readonly chatQueueOldest = this.gauge(
    "shop_chat_queue_oldest_seconds",
    "Time for which the conversation has waited that waits longest, 0 where none does",
    [],
  );
  readonly chatFirstResponse = this.histogram(
    "shop_chat_first_response_seconds",
    "Time from the opening of a conversation to an agent's first answer",
    [],
    [5, 15, 30, 60, 120, 300, 600, 1800, 3600],
  );

  readonly providerSignIns = this.counter(
    "shop_provider_sign_ins_total",
    "Browsers that came back from a provider or could not be sent there, by outcome (ok, or what their page was told)",
    ["provider", "outcome"],
  );
  readonly mails = this.counter(
    "shop_mails_total",
    "Mails by outcome (sent, dropped, rejected, given-up), and tries that failed and will be repeated (retried)",
    ["outcome"],
  );
  readonly mailsWaiting = this.gauge("shop_mails_waiting", "Mails that are not sent yet, of the whole cluster", []);

  readonly outboxPublished = this.counter("shop_outbox_published_total", "Events taken from outboxes to their topic", [
    "topic",
    "collection",
  ]);
  readonly outboxFailures = this.counter(
    "shop_outbox_failures_total",
    "Times that waiting events could not be published",
    ["topic", "collection"],
  );
  readonly outboxWaiting = this.gauge(
    "shop_outbox_waiting",
    "Documents whose events are not published yet, of the whole cluster; counted up to 10,000",
    ["topic", "collection"],
  );
  readonly outboxOldest = this.gauge(
    "shop_outbox_oldest_seconds",
    "Time for which the first events in line have waited to be published",
    ["topic", "collection"],
  );
  readonly topicHandled = this.counter(
    "shop_topic_handled_total",
    "Messages that a group of consumers is done with, by outcome (ok, dead)",
    ["topic", "group", "outcome"],
  );
  readonly topicRetries = this.counter(
    "shop_topic_retries_total",
    "Times that handling a message failed and was to be tried again",
    ["topic", "group"],
  );
  readonly topicLag = this.gauge(
    "shop_topic_lag",
    "Messages that a group of consumers has still to handle, of the whole cluster",
    ["topic", "group"],
  );

  readonly configVersion = this.gauge(
    "shop_config_version",
    "Version of the configuration that this node has taken",
    [],
  );
  readonly configDeviations = this.gauge(
    "shop_config_deviations",
    "Keys whose newest value does not hold here: it cannot be used, or needs a restart",
    ["application", "key", "reason"],
  );

  readonly traceSpans = this.counter(
    "shop_trace_spans_total",
    "Spans of sampled traces by outcome: taken by the collector (exported), or given up (dropped)",
    ["outcome"],
  );

  constructor() {
    // Once in a process, however often its broker is made again: what watches memory and the event loop cannot be stopped.
    if (register.getMetricsAsArray().length === 0) collectDefaultMetrics();
    // Gauges under names that Prometheus keeps for counters; the same figures are there by type.
    for (const metric of register.getMetricsAsArray())
      if (!MISNAMED.includes(metric.name)) this.registry.registerMetric(metric as unknown as Metric);
  }

  private counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  private histogram<L extends string>(name: string, help: string, labelNames: L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }

  private gauge(name: string, help: string, labelNames: string[]): MeasuredGauge {
    return new MeasuredGauge({ name, help, labelNames, registers: [this.registry] });
  }
}
