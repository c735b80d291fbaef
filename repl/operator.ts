import { hostname, userInfo } from "node:os";
import type { Meta } from "../lib/actions";

function login(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** Who sits at this console, as logs and histories have it. */
export const operator = (): string => `${login()}@${hostname()}`.slice(0, 200);

/** For actions that admins have over REST and that note who asked. */
export const asOperator = (): { meta: Meta } => ({
  meta: { user: { id: operator(), roles: ["admin"], sid: "console" } },
});
