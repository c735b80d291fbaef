import { declareConfig, key, type Settings } from "../../lib/config/declaration";
import { Type } from "../../lib/schema";

/** Not so low that who set it cannot set it back. */
const Limit = Type.Integer({ minimum: 30, maximum: 1_000_000 });
const by = "by account, else by client address; `RATE_LIMIT=off` counts nothing";

export const apiConfig = declareConfig("api", {
  reads: key("rateLimit.reads", Limit, { default: 600, unit: "requests a minute", description: `Reads, ${by}` }),
  writes: key("rateLimit.writes", Limit, { default: 120, unit: "requests a minute", description: `Writes, ${by}` }),
});

export type ApiSettings = Settings<typeof apiConfig>;
