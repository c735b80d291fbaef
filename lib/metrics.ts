import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";

const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

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

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    // Gauges under names that Prometheus keeps for counters; the same figures are there by type.
    for (const name of MISNAMED) this.registry.removeSingleMetric(name);
  }
}
