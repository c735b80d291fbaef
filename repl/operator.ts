import { hostname, userInfo } from "node:os";
import type { ServiceBroker } from "moleculer";
import { callOf, type Meta } from "../lib/actions";
import { nodesOf } from "../mixins/cluster";

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

/** Has a node log what was done, by preference one that hosts something: what this console logs is kept nowhere. */
export async function noted(broker: ServiceBroker, deed: string): Promise<void> {
  const hosts = (await nodesOf(broker)).filter(({ state, services }) => state === "running" && services.length > 0);
  const options = { nodeID: hosts[0]?.id ?? broker.nodeID };
  await callOf(broker)("$ops.note", { operator: operator(), deed }, options).catch((error: unknown) =>
    broker.logger.error({ err: error }, `could not be noted: ${deed}`),
  );
}

/** For actions that admins have over REST and that note who asked. */
export const asOperator = (): { meta: Meta } => ({
  meta: { user: { id: operator(), roles: ["admin"], sid: "console" } },
});
