import type { ServiceSchema } from "moleculer";
import { timeOf } from "../../lib/ids";
import type { Metrics } from "../../lib/metrics";
import type { ConversationStore } from "./conversation.store";

/** Seconds that whoever has waited longest has done so, of all places in the queue; 0 where nobody waits. */
export function longestWait(places: string[], at = Date.now()): number {
  // Who comes back to the head has a newer place than some behind them.
  const since = places.reduce((first, place) => Math.min(first, timeOf(place.slice(2))), at);
  return (at - since) / 1000;
}

/** Measures, while the service runs, how many wait for an agent and for how long. */
export function queueMetricsMixin(metrics: Metrics, { places }: ConversationStore): Partial<ServiceSchema> {
  const ends: (() => void)[] = [];
  return {
    started() {
      ends.push(
        metrics.chatQueueLength.measure({}, async () => (await places()).length),
        metrics.chatQueueOldest.measure({}, async () => longestWait(await places())),
      );
    },
    stopped() {
      for (const end of ends.splice(0)) end();
    },
  };
}
