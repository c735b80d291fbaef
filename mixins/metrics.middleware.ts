import type { Middleware } from "moleculer";
import { ShopError } from "../lib/errors";
import type { Metrics } from "../lib/metrics";
import { localAction } from "./middleware";

/** Counts and times every declared action on the node that runs it. */
export const metricsMiddleware = (metrics: Metrics): Middleware =>
  localAction("ActionMetrics", (next, action) => {
    if (action.visibility !== "public" && action.visibility !== "published") return next;
    const name = action.name ?? "";
    return async (ctx) => {
      const end = metrics.actions.startTimer({ action: name });
      try {
        const result = await next(ctx);
        end({ outcome: "ok" });
        return result;
      } catch (error) {
        end({ outcome: error instanceof ShopError && error.code < 500 ? "refused" : "failed" });
        throw error;
      }
    };
  });
