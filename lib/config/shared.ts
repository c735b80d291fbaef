import { OneOf } from "../schema";
import { declareConfig, key, SHARED } from "./declaration";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace"] as const;

/** What every service has, each with the value of its own application or else the shared one. */
export const sharedConfig = declareConfig(SHARED, {
  logLevel: key("log.level", OneOf(...LOG_LEVELS), {
    default: "info",
    description: "Least severe lines that are logged; of one service only where its own application says so",
  }),
});
