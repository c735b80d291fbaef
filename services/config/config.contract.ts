import type * as schema from "./config.schema";

declare module "../../lib/actions" {
  interface ActionMap {
    /** What is set for some applications: for a node that hosts them. Secrets, known here or named by it, are ciphers. */
    "config.properties": Asked<typeof schema.PropertiesParams, typeof schema.Answered>;
    /** As an admin sees it. 404 APPLICATION_NOT_FOUND. */
    "config.get": Asked<typeof schema.GetParams, typeof schema.ConfigView>;
    /** For `meta.user`. 404 APPLICATION_NOT_FOUND; 422 VALIDATION names each key that cannot be set, and nothing changes. */
    "config.put": Asked<typeof schema.PutParams, typeof schema.ConfigView>;
    "config.history": Asked<typeof schema.HistoryParams, typeof schema.History>;
    /** For `meta.user`. 404 VERSION_NOT_FOUND; 422 VALIDATION where a value of then is not accepted any more. */
    "config.rollback": Asked<typeof schema.RollbackParams, typeof schema.VersionView>;
  }
}

declare module "../../lib/events" {
  interface EventMap {
    /** There is a version; each node asks for what it needs of it, now or at its next look. */
    "config.changed": { version: number };
  }
}
