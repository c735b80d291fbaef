import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { nodeOf } from "../lib/node";
import { enter } from "./node-state";

/** By contract a node ends within 10 s of SIGTERM. */
const FORCE_EXIT_MS = 9500;
const READY_WITHIN_MS = 60_000;

/** Resolves when the node would answer "ready": its routes are made and what it needs is there. */
export async function ready(broker: ServiceBroker): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const { status, missing } = await nodeOf(broker).health.readiness();
    if (status !== "unavailable") return;
    if (Date.now() > until) throw new Error(`not ready: ${missing.join(", ")}`);
    await delay(20);
  }
}

/** What was taken has so long; the process has {@link FORCE_EXIT_MS} in all. */
const FINISH_MS = 6000;

/** Resolves when nothing that was asked of this node is left to be done, or that takes too long. */
async function finished(broker: ServiceBroker): Promise<void> {
  const { resilience } = nodeOf(broker);
  const until = Date.now() + FINISH_MS;
  while (resilience.busy > 0 && Date.now() < until) await delay(20);
}

/**
 * Refuses readiness and the calls of other nodes at once, takes connections for a moment more, and then closes the way in
 * before what is behind it: a request that was taken is finished while the services that it needs are still there.
 */
export async function drain(broker: ServiceBroker): Promise<void> {
  const { environment, health } = nodeOf(broker);
  health.isEnding = true;
  await enter(broker, "draining");
  await delay(environment.drainMs);
  const gateway = broker.getLocalService("api");
  if (gateway) await broker.destroyService(gateway);
  // Services stop all at once: what one still does may need another.
  await finished(broker);
  await broker.stop();
}

/** SIGTERM and SIGINT drain the node and end the process with 0; a second signal, or 9.5 s, ends it anyway. */
export function drainOnSignal(current: () => ServiceBroker | undefined, end = drain): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => process.exit(1), FORCE_EXIT_MS).unref();
    const broker = current();
    if (broker) await end(broker);
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.on(signal, () => {
      stop().catch(() => process.exit(1));
    });
}
