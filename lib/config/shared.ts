import { PolicyRules } from "../policies";
import { OneOf, Type } from "../schema";
import { declareConfig, key, SHARED } from "./declaration";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

/** What every service has, each with the value of its own application or else the shared one. */
export const sharedConfig = declareConfig(SHARED, {
  logLevel: key("log.level", OneOf(...LOG_LEVELS), {
    default: "info",
    description: "Least severe lines that are logged; of one service only where its own application says so",
  }),
  sampleRate: key("tracing.sampleRate", Type.Number({ minimum: 0, maximum: 1 }), {
    default: 1,
    common: true,
    description: "Part of new traces whose spans go to Zipkin, of 0 (none, whatever a client says) to 1 (all)",
  }),
  policies: key("resilience.policies", PolicyRules, {
    default: [],
    common: true,
    description:
      "Timeout, retries, breaker and bulkhead of an action, a service or all, set for all applications alike; " +
      "what a rule leaves out is as the action says, else the node's default. `/ops/services` shows what applies",
  }),
});
