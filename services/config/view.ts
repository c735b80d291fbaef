import type { VersionView } from "./config.schema";
import type { Version } from "./config.store";

/** A version as the history shows it: without all that was set at the time. */
export const versionView = ({ _id: _, entries: __, ...version }: Version): VersionView => version;
